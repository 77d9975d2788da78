-- label: dangerous
-- hazard: column-renamed
-- why: Old code reads the old name.
ALTER TABLE app.employee RENAME email TO mail;
