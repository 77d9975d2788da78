-- label: dangerous
-- hazard: concurrent-in-transaction
-- why: PostgreSQL refuses CONCURRENTLY inside a transaction; the deploy stops here.
CREATE INDEX CONCURRENTLY employee_by_name ON app.employee (name);
