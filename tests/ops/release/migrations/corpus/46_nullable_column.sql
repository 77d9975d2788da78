-- label: safe
-- why: Only the catalogue changes.
ALTER TABLE app.employee ADD COLUMN rank integer;
