-- label: dangerous
-- hazard: type-rewrite
-- why: Another form of number: every row is written anew.
ALTER TABLE app.employee ALTER COLUMN salary TYPE numeric;
