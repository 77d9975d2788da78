-- label: dangerous
-- hazard: check-valid-at-once
-- why: Put together as text, it checks all rows under the lock all the same.
DO $$
BEGIN
  EXECUTE 'ALTER TABLE app.employee ADD CONSTRAINT salary_sane CHECK (' || 'salary > 0' || ')';
END $$;
