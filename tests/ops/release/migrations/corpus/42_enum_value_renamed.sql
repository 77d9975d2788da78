-- label: dangerous
-- hazard: enum-renamed
-- why: Code that still runs writes the old word.
ALTER TYPE app.employment_state RENAME VALUE 'leave' TO 'on_leave';
