-- label: safe
-- why: One row made from another, by its key.
INSERT INTO app.department (id, tenant_id, name) SELECT 99, d.tenant_id, '新設課' FROM app.department AS d WHERE d.id = 1;
