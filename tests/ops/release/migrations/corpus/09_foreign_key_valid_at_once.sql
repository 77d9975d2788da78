-- label: dangerous
-- hazard: foreign-key-valid-at-once
-- why: All rows are checked while writers of both tables wait.
ALTER TABLE app.employee ADD CONSTRAINT employee_department FOREIGN KEY (department_id) REFERENCES app.department (id);
