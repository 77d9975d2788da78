-- label: dangerous
-- hazard: check-valid-at-once
-- why: All rows are checked under an exclusive lock.
ALTER TABLE app.employee ADD CONSTRAINT employee_salary CHECK (salary >= 0);
