-- label: dangerous
-- hazard: downgrade-empty
-- why: The way down is a remark.
ALTER TABLE app.employee ADD COLUMN rank integer;
-- downgrade --
-- The column does no harm and may stay.
