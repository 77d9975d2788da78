-- label: dangerous
-- hazard: foreign-key-valid-at-once
-- why: With a default every row has a value to compare.
ALTER TABLE app.review ADD COLUMN department_id bigint NOT NULL DEFAULT 1 REFERENCES app.department (id);
