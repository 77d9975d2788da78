-- label: dangerous
-- hazard: change-then-data
-- why: A report about all rows is made while everybody waits.
ALTER TABLE app.employee ADD COLUMN rank integer;
DO $$
BEGIN
  IF (SELECT count(*) FROM app.employee AS e WHERE md5(e.name) LIKE '0%') > 10000000 THEN
    RAISE EXCEPTION 'too many';
  END IF;
END $$;
