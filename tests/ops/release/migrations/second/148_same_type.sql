-- label: dangerous
-- hazard: type-under-view
-- why: Fails: a view uses the column, and PostgreSQL asks no further. (Labelled safe at first; executing it said so.)
ALTER TABLE app.employee ALTER COLUMN name TYPE text;
