-- label: safe
-- why: New rows only; old ones are not read.
ALTER TABLE app.employee ALTER COLUMN status_note SET DEFAULT 'new', ALTER COLUMN created_at DROP NOT NULL;
-- downgrade --
ALTER TABLE app.employee ALTER COLUMN status_note DROP DEFAULT;
ALTER TABLE app.employee ADD CONSTRAINT created_filled NOT NULL created_at NOT VALID;
