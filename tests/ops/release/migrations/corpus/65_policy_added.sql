-- label: safe
-- why: One more condition on who may see a row.
CREATE POLICY seen ON app.review AS RESTRICTIVE FOR SELECT USING (score IS NOT NULL);
-- downgrade --
DROP POLICY seen ON app.review;
