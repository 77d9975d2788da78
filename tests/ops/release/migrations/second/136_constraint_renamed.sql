-- label: safe
-- why: Nobody names constraints but migrations.
ALTER TABLE app.employee RENAME CONSTRAINT department_filled TO employee_department_filled;
