-- label: safe
-- why: The old check goes when the new one holds.
ALTER TABLE app.employee ADD CONSTRAINT grade_range CHECK (grade BETWEEN 1 AND 9) NOT VALID;
COMMIT;
BEGIN;
ALTER TABLE app.employee VALIDATE CONSTRAINT grade_range;
