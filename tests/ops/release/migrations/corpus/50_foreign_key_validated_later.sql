-- label: safe
-- why: The second transaction reads all rows under a lock that lets readers and writers pass.
ALTER TABLE app.employee ADD CONSTRAINT employee_department FOREIGN KEY (department_id) REFERENCES app.department (id) NOT VALID;
COMMIT;
BEGIN;
ALTER TABLE app.employee VALIDATE CONSTRAINT employee_department;
