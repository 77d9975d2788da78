-- label: dangerous
-- hazard: backfill-in-transaction
-- why: The statement hides in a function that the migration calls.
CREATE FUNCTION app.fill_notes() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE app.employee SET status_note = 'filled';
END $$;
SELECT app.fill_notes();
