-- label: safe
-- why: now() is one moment for the whole statement; no row is written.
ALTER TABLE app.employee ADD COLUMN noted_at timestamptz NOT NULL DEFAULT now();
