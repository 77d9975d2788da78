-- label: safe
-- why: Nobody waits: the index is built beside the traffic.
COMMIT;
CREATE INDEX CONCURRENTLY employee_by_name ON app.employee (name);
BEGIN;
