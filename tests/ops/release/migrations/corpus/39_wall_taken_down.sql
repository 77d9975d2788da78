-- label: dangerous
-- hazard: protection-removed
-- why: Row-level security goes: every customer sees every row.
ALTER TABLE app.review NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
