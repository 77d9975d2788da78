-- label: safe
-- why: Dynamic text that only adds conditions.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['review', 'employee'] LOOP
    EXECUTE format('CREATE POLICY walled ON app.%I AS RESTRICTIVE FOR SELECT USING (tenant_id IS NOT NULL)', name);
  END LOOP;
END $$;
