-- label: safe
-- why: A limit of one second.
SET LOCAL lock_timeout = '1s';
ALTER TABLE app.employee ADD COLUMN rank integer;
