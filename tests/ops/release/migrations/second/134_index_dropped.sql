-- label: safe
-- why: A short exclusive lock, and the runner waits for it only briefly.
DROP INDEX app.employee_by_department;
