-- label: dangerous
-- hazard: check-valid-at-once
-- why: The check of a new column reads every row for its default.
ALTER TABLE app.review ADD COLUMN weight integer NOT NULL DEFAULT 1 CHECK (weight > 0);
