-- label: dangerous
-- hazard: tenant-table-unprotected
-- why: A copy of everybody's rows without walls.
CREATE TABLE app.employee_copy AS SELECT e.id, e.tenant_id, e.name FROM app.employee AS e;
