-- label: safe
-- why: The columns that code reads stay where they were.
CREATE OR REPLACE VIEW app.employee_card AS SELECT e.id, e.name, e.grade, e.email FROM app.employee AS e;
