-- label: safe
-- why: Readers and writers pass.
CREATE STATISTICS app.employee_by_both ON department_id, grade FROM app.employee;
-- downgrade --
DROP STATISTICS app.employee_by_both;
