-- label: safe
-- why: The column is that already; nothing is read.
ALTER TABLE app.state_name ALTER COLUMN name SET NOT NULL;
