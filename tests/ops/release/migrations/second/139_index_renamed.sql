-- label: safe
-- why: Nobody names indexes but migrations.
ALTER INDEX app.employee_by_department RENAME TO employee_of_department;
