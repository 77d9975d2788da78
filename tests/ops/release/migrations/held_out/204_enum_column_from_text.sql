-- label: dangerous
-- hazard: type-rewrite
-- why: A cast of every row.
ALTER TABLE app.employee ALTER COLUMN status_note TYPE app.employment_state USING 'active'::app.employment_state;
