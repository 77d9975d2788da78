-- label: dangerous
-- hazard: downgrade-empty
-- why: The way down does nothing, so the way back is closed without a word.
ALTER TABLE app.employee ADD COLUMN rank integer;
-- downgrade --
SELECT 1;
