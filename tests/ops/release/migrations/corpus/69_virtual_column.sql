-- label: safe
-- why: Worked out when read; nothing is written.
ALTER TABLE app.employee ADD COLUMN folded text GENERATED ALWAYS AS (lower(name)) VIRTUAL;
