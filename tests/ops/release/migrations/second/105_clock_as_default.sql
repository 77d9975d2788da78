-- label: dangerous
-- hazard: default-volatile
-- why: clock_timestamp() moves while the statement runs: every row is written.
ALTER TABLE app.review ADD COLUMN noted_at timestamptz NOT NULL DEFAULT clock_timestamp();
