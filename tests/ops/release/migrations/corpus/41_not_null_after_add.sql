-- label: dangerous
-- hazard: not-null-unproven
-- why: The proof was never validated, so PostgreSQL reads the whole table under an exclusive lock.
ALTER TABLE app.employee ADD CONSTRAINT email_filled CHECK (email IS NOT NULL) NOT VALID;
COMMIT;
BEGIN;
ALTER TABLE app.employee ALTER COLUMN email SET NOT NULL;
