-- label: safe
-- why: New rows only.
ALTER TABLE app.employee ALTER COLUMN grade SET DEFAULT 2;
-- downgrade --
ALTER TABLE app.employee ALTER COLUMN grade SET DEFAULT 1;
