-- label: safe
-- why: The same for a check.
ALTER TABLE app.employee ADD CONSTRAINT employee_salary CHECK (salary >= 0) NOT VALID;
COMMIT;
BEGIN;
ALTER TABLE app.employee VALIDATE CONSTRAINT employee_salary;
