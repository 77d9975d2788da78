-- label: dangerous
-- hazard: index-not-concurrent
-- why: Writers of a big table wait until the index is built.
CREATE INDEX employee_by_name ON app.employee (name);
