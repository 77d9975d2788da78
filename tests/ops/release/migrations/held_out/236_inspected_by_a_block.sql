-- label: safe
-- why: A look at the catalogue and a short change.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hrx_nobody') THEN
    PERFORM 1;
  END IF;
END $$;
ALTER TABLE app.review ADD COLUMN remark text;
-- downgrade --
ALTER TABLE app.review DROP COLUMN remark;
