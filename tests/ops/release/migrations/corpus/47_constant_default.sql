-- label: safe
-- why: A constant default is kept in the catalogue; no row is written.
ALTER TABLE app.employee ADD COLUMN rank integer NOT NULL DEFAULT 1;
