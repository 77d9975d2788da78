-- label: safe
-- why: Readers go on with the old contents.
REFRESH MATERIALIZED VIEW CONCURRENTLY app.headcount;
