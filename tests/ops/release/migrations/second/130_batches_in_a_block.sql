-- label: safe
-- why: Each batch is committed before the next.
COMMIT;
DO $$
DECLARE upto bigint := 0;
BEGIN
  WHILE upto < 3000 LOOP
    UPDATE app.employee SET status_note = 'batched' WHERE id > upto AND id <= upto + 500;
    upto := upto + 500;
    COMMIT;
  END LOOP;
END $$;
BEGIN;
