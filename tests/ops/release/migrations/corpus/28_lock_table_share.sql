-- label: dangerous
-- hazard: lock-table
-- why: Writers wait for whatever follows.
LOCK TABLE app.employee IN SHARE MODE;
SELECT count(*) FROM app.employee AS a WHERE lower(a.name) LIKE '%x%';
