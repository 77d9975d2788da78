-- label: dangerous
-- hazard: default-volatile
-- why: Every row gets a value of its own: the table is rewritten under an exclusive lock.
ALTER TABLE app.employee ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid();
