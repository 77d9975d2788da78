-- label: safe
-- why: New rows are checked from now on; old ones are not read.
ALTER TABLE app.employee ADD CONSTRAINT employee_department FOREIGN KEY (department_id) REFERENCES app.department (id) NOT VALID;
