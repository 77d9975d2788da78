-- label: dangerous
-- hazard: object-dropped
-- why: A type without the old value cannot hold what code writes.
DROP VIEW app.employee_card;
ALTER TYPE app.employment_state RENAME TO employment_state_old;
