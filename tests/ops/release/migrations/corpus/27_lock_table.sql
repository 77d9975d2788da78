-- label: dangerous
-- hazard: lock-table
-- why: Whoever reads waits for whatever follows.
LOCK TABLE app.employee IN ACCESS EXCLUSIVE MODE;
SELECT count(*) FROM app.employee AS a WHERE lower(a.name) LIKE '%x%';
