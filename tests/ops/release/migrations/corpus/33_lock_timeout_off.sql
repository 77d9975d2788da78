-- label: dangerous
-- hazard: lock-timeout-off
-- why: Behind one long transaction, everybody queues behind this.
SET LOCAL lock_timeout = 0;
ALTER TABLE app.employee ADD COLUMN rank integer;
