-- label: safe
-- why: Nobody uses them yet.
CREATE TABLE app.course (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  title text NOT NULL CHECK (title <> '')
);
CREATE TABLE app.attendance (
  course_id bigint NOT NULL REFERENCES app.course (id),
  employee_id bigint NOT NULL REFERENCES app.employee (id),
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  attended_on date NOT NULL DEFAULT current_date,
  PRIMARY KEY (course_id, employee_id)
);
CREATE INDEX attendance_by_employee ON app.attendance (employee_id);
SELECT app.protect('course'), app.protect('attendance');
GRANT SELECT, INSERT ON app.course, app.attendance TO pg_monitor;
-- downgrade --
DROP TABLE app.attendance;
DROP TABLE app.course;
