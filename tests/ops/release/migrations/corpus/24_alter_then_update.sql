-- label: dangerous
-- hazard: change-then-data
-- why: Readers wait too: the exclusive lock of ALTER is held while the rows are written.
ALTER TABLE app.employee ADD COLUMN rank integer;
UPDATE app.employee SET rank = 1;
