-- label: dangerous
-- hazard: type-rewrite
-- why: Another width: every row is written anew.
ALTER TABLE app.review ALTER COLUMN score TYPE bigint;
