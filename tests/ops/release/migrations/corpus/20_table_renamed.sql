-- label: dangerous
-- hazard: table-renamed
-- why: Code that still runs knows the old name.
ALTER TABLE app.review RENAME TO appraisal;
