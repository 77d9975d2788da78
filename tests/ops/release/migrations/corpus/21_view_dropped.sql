-- label: dangerous
-- hazard: object-dropped
-- why: Code that still runs reads the view.
DROP VIEW app.employee_card;
