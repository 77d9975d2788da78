-- label: dangerous
-- hazard: type-under-view
-- why: Fails: a view uses the column.
ALTER TABLE app.employee ALTER COLUMN grade TYPE bigint;
