-- label: dangerous
-- hazard: protection-removed
-- why: The wall stands and lets everybody through.
ALTER POLICY tenant_isolation ON app.review USING (true) WITH CHECK (true);
