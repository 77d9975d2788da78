-- label: dangerous
-- hazard: change-then-data
-- why: Whatever takes time after an ALTER, everybody waits for it.
ALTER TABLE app.employee ADD COLUMN rank integer;
SELECT pg_sleep(1.5);
