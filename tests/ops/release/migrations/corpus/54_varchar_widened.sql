-- label: safe
-- why: A longer limit needs no look at the rows.
ALTER TABLE app.employee ALTER COLUMN nickname TYPE varchar(200);
