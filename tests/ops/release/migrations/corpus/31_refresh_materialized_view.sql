-- label: dangerous
-- hazard: view-refreshed-at-once
-- why: Readers of the view wait while it is worked out.
REFRESH MATERIALIZED VIEW app.headcount;
