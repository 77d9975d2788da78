-- label: safe
-- why: Gone with the session.
CREATE TEMPORARY TABLE found AS SELECT e.id FROM app.employee AS e WHERE e.id < 100;
DROP TABLE found;
