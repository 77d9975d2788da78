-- label: dangerous
-- hazard: type-rewrite
-- why: A shorter limit makes PostgreSQL check every row under an exclusive lock.
ALTER TABLE app.employee ALTER COLUMN nickname TYPE varchar(40);
