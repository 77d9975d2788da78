-- label: safe
-- why: Catalogue only, all of them.
ALTER TABLE app.employee ADD COLUMN a integer, ADD COLUMN b text NOT NULL DEFAULT 'x', ALTER COLUMN status_note SET DEFAULT 'y';
