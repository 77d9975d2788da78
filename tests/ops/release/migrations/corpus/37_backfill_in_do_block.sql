-- label: dangerous
-- hazard: backfill-in-transaction
-- why: A block hides the statement, not the lock.
DO $$
BEGIN
  UPDATE app.employee SET status_note = 'active';
END $$;
