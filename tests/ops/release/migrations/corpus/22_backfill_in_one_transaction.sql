-- label: dangerous
-- hazard: backfill-in-transaction
-- why: Every row stays locked for writers until the whole table is done.
UPDATE app.employee SET status_note = 'active';
