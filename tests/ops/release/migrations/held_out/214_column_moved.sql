-- label: dangerous
-- hazard: column-dropped
-- why: Copied well, and gone from where code looks for it.
CREATE TABLE app.employee_contact (
  employee_id bigint PRIMARY KEY REFERENCES app.employee (id),
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  email text
);
SELECT app.protect('employee_contact');
ALTER TABLE app.employee DROP COLUMN email;
