-- label: dangerous
-- hazard: backfill-in-transaction
-- why: The condition holds for nearly every row.
UPDATE app.employee SET status_note = 'active' WHERE status_note IS NULL;
