-- label: dangerous
-- hazard: backfill-in-transaction
-- why: A range of keys that holds every row.
UPDATE app.employee SET status_note = 'x' WHERE id > 0;
