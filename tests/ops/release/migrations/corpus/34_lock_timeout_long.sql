-- label: dangerous
-- hazard: lock-timeout-off
-- why: A minute of waiting is a minute in which everybody queues.
SET lock_timeout = '60s';
ALTER TABLE app.employee ADD COLUMN rank integer;
