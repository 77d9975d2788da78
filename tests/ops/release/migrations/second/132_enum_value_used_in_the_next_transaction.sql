-- label: safe
-- why: Committed before it is used.
ALTER TYPE app.employment_state ADD VALUE 'seconded';
COMMIT;
BEGIN;
INSERT INTO app.state_name (state, name) VALUES ('seconded', '出向');
