-- label: dangerous
-- hazard: index-not-concurrent
-- why: Put together as text, it locks all the same.
DO $$
BEGIN
  EXECUTE format('CREATE INDEX ON app.%I (name)', 'employee');
END $$;
