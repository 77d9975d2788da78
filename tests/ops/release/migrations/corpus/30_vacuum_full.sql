-- label: dangerous
-- hazard: table-rewritten
-- why: The table is written anew under an exclusive lock.
COMMIT;
VACUUM FULL app.employee;
BEGIN;
