-- label: safe
-- why: The validated check implies that the column is filled.
ALTER TABLE app.employee ADD CONSTRAINT email_filled CHECK (email IS NOT NULL AND email <> '') NOT VALID;
COMMIT;
BEGIN;
ALTER TABLE app.employee VALIDATE CONSTRAINT email_filled;
COMMIT;
BEGIN;
ALTER TABLE app.employee ALTER COLUMN email SET NOT NULL;
