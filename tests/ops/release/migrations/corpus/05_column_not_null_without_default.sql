-- label: dangerous
-- hazard: column-without-default
-- why: Fails on a table that has rows; old code would not fill it either.
ALTER TABLE app.employee ADD COLUMN grade_code text NOT NULL;
