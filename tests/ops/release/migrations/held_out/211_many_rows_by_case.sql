-- label: dangerous
-- hazard: backfill-in-transaction
-- why: CASE chooses values; every row is written.
UPDATE app.employee AS e SET nickname = CASE WHEN e.grade > 1 THEN 'senior' ELSE 'junior' END;
