-- label: dangerous
-- hazard: index-not-concurrent
-- why: A unique index is built the same way and holds writers off as long.
CREATE UNIQUE INDEX employee_by_email ON app.employee (tenant_id, email);
