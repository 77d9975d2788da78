-- label: safe
-- why: Each in its own way: the column at once, the index beside the traffic.
ALTER TABLE app.employee ADD COLUMN manager_id bigint;
COMMIT;
CREATE INDEX CONCURRENTLY employee_by_manager ON app.employee (manager_id);
BEGIN;
-- downgrade --
ALTER TABLE app.employee DROP COLUMN manager_id;
