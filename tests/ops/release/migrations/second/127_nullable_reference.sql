-- label: safe
-- why: A new column without values has nothing to compare.
ALTER TABLE app.employee ADD COLUMN manager_id bigint REFERENCES app.employee (id);
