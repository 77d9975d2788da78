-- label: dangerous
-- hazard: unique-without-index
-- why: The index behind the constraint is built under an exclusive lock.
ALTER TABLE app.employee ADD CONSTRAINT employee_email UNIQUE (tenant_id, email);
