-- label: dangerous
-- hazard: lock-timeout-off
-- why: Set for the session, it holds for the transaction after it too.
SET lock_timeout TO 0;
COMMIT;
BEGIN;
ALTER TABLE app.review ADD COLUMN remark text;
