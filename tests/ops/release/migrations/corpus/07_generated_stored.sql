-- label: dangerous
-- hazard: default-volatile
-- why: A stored generated column is written into every row under an exclusive lock.
ALTER TABLE app.employee ADD COLUMN folded text GENERATED ALWAYS AS (lower(name)) STORED;
