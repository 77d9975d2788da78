-- label: safe
-- why: The wall is down for nobody: both happen in one transaction.
DROP POLICY tenant_isolation ON app.review;
CREATE POLICY tenant_isolation ON app.review USING (tenant_id = app.current_tenant()) WITH CHECK (tenant_id = app.current_tenant());
