-- label: safe
-- why: The same bytes mean the same; no row is read.
ALTER TABLE app.employee ALTER COLUMN nickname TYPE text;
