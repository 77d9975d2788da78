-- label: dangerous
-- hazard: index-not-concurrent
-- why: IF NOT EXISTS does not make it concurrent.
CREATE UNIQUE INDEX IF NOT EXISTS review_by_employee ON app.review (employee_id, id);
