-- label: safe
-- why: Nobody waits.
COMMIT;
REINDEX INDEX CONCURRENTLY app.employee_by_department;
BEGIN;
