-- label: dangerous
-- hazard: mass-delete
-- why: Nearly every row goes.
DELETE FROM app.review AS r USING app.employee AS e WHERE e.id = r.employee_id AND e.state = 'active';
