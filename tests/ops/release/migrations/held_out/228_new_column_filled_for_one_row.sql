-- label: safe
-- why: One row by its key, behind a short lock.
ALTER TABLE app.department ADD COLUMN is_main boolean NOT NULL DEFAULT false;
COMMIT;
BEGIN;
UPDATE app.department SET is_main = true WHERE id = 1;
