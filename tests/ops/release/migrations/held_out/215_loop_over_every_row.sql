-- label: dangerous
-- hazard: backfill-in-transaction
-- why: A loop of single updates is one transaction all the same.
DO $$
DECLARE found record;
BEGIN
  FOR found IN SELECT e.id FROM app.employee AS e LOOP
    UPDATE app.employee AS t SET status_note = 'looped' WHERE t.id = found.id;
  END LOOP;
END $$;
