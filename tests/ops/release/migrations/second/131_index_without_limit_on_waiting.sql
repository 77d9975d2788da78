-- label: safe
-- why: CONCURRENTLY waits for old transactions and stands in nobody's way.
COMMIT;
SET lock_timeout = 0;
CREATE INDEX CONCURRENTLY review_by_employee ON app.review (employee_id);
RESET lock_timeout;
BEGIN;
