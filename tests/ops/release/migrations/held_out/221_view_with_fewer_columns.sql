-- label: dangerous
-- hazard: object-dropped
-- why: Made again without a column that code reads.
DROP VIEW app.employee_card;
CREATE VIEW app.employee_card AS SELECT e.id, e.name FROM app.employee AS e;
