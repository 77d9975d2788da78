-- label: dangerous
-- hazard: validated-in-same-transaction
-- why: The lock of ADD CONSTRAINT is kept until commit, so the check runs under it all the same.
ALTER TABLE app.employee ADD CONSTRAINT employee_salary CHECK (salary >= 0) NOT VALID;
ALTER TABLE app.employee VALIDATE CONSTRAINT employee_salary;
