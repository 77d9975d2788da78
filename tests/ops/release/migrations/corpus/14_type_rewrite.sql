-- label: dangerous
-- hazard: type-rewrite
-- why: Every row is written anew under an exclusive lock.
ALTER TABLE app.employee ALTER COLUMN salary TYPE numeric(12, 2);
