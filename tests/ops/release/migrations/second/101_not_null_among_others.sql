-- label: dangerous
-- hazard: not-null-unproven
-- why: One of several changes in one ALTER reads the whole table under its lock.
ALTER TABLE app.employee ADD COLUMN rank integer, ALTER COLUMN name SET NOT NULL, ALTER COLUMN status_note SET DEFAULT 'new';
