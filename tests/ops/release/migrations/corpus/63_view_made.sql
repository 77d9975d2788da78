-- label: safe
-- why: A view more disturbs nobody.
CREATE VIEW app.employee_list AS SELECT e.id, e.name FROM app.employee AS e;
-- downgrade --
DROP VIEW app.employee_list;
