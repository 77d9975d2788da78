-- label: dangerous
-- hazard: not-null-unproven
-- why: The whole table is read under an exclusive lock, and one NULL makes it fail.
ALTER TABLE app.employee ALTER COLUMN name SET NOT NULL;
