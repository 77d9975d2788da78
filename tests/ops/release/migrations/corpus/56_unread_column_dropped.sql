-- label: safe
-- why: No release that runs or may come back reads the column.
ALTER TABLE app.employee DROP COLUMN legacy_code;
