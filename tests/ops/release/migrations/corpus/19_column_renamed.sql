-- label: dangerous
-- hazard: column-renamed
-- why: Code that still runs knows the old name.
ALTER TABLE app.employee RENAME COLUMN nickname TO called;
