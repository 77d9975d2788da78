-- label: dangerous
-- hazard: enum-used-at-once
-- why: PostgreSQL refuses a new enum value before it is committed.
ALTER TYPE app.employment_state ADD VALUE 'seconded';
INSERT INTO app.state_name (state, name) VALUES ('seconded', '出向');
