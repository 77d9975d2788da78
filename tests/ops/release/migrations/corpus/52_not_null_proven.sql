-- label: safe
-- why: A validated check proves it: PostgreSQL does not read the table.
ALTER TABLE app.employee ALTER COLUMN department_id SET NOT NULL;
