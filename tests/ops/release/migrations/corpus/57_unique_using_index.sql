-- label: safe
-- why: The index is built beside the traffic and then becomes the constraint.
COMMIT;
CREATE UNIQUE INDEX CONCURRENTLY employee_email ON app.employee (tenant_id, email);
BEGIN;
ALTER TABLE app.employee ADD CONSTRAINT employee_email UNIQUE USING INDEX employee_email;
