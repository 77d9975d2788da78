-- label: dangerous
-- hazard: protection-removed
-- why: The new policy has the old name and lets everybody through.
DROP POLICY tenant_isolation ON app.review;
CREATE POLICY tenant_isolation ON app.review USING (true);
