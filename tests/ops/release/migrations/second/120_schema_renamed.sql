-- label: dangerous
-- hazard: object-dropped
-- why: Code that still runs knows the old name.
ALTER SCHEMA reports RENAME TO reporting;
