-- label: dangerous
-- hazard: index-not-concurrent
-- why: USING INDEX is quick; building that index was not.
CREATE UNIQUE INDEX employee_email ON app.employee (tenant_id, email);
ALTER TABLE app.employee ADD CONSTRAINT employee_email UNIQUE USING INDEX employee_email;
