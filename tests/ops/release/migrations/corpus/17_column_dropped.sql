-- label: dangerous
-- hazard: column-dropped
-- why: Code that still runs reads the column.
ALTER TABLE app.employee DROP COLUMN nickname;
