-- label: safe
-- why: The value is there after the commit; nothing uses it before.
ALTER TYPE app.employment_state ADD VALUE 'seconded';
