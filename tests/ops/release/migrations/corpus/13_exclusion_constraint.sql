-- label: dangerous
-- hazard: unique-without-index
-- why: There is no concurrent way for an exclusion constraint.
ALTER TABLE app.employee ADD CONSTRAINT employee_email EXCLUDE USING btree (email WITH =);
