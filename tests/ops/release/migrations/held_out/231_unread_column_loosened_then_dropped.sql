-- label: safe
-- why: Nobody reads or writes it.
ALTER TABLE app.employee ALTER COLUMN legacy_code DROP NOT NULL;
COMMIT;
BEGIN;
ALTER TABLE app.employee DROP COLUMN legacy_code;
