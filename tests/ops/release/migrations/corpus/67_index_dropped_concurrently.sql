-- label: safe
-- why: Nobody waits.
COMMIT;
DROP INDEX CONCURRENTLY app.employee_by_department;
BEGIN;
