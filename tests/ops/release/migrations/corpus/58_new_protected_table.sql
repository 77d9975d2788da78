-- label: safe
-- why: A new table with its walls; nobody uses it yet.
CREATE TABLE app.badge (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  employee_id bigint NOT NULL REFERENCES app.employee (id),
  label text NOT NULL
);
CREATE INDEX badge_by_employee ON app.badge (employee_id);
ALTER TABLE app.badge ADD CONSTRAINT badge_label CHECK (label <> '');
SELECT app.protect('badge');
-- downgrade --
DROP TABLE app.badge;
