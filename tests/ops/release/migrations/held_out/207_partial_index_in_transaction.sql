-- label: dangerous
-- hazard: index-not-concurrent
-- why: A partial index reads the whole table all the same.
CREATE INDEX review_low ON app.review (employee_id) WHERE score < 2;
