-- label: safe
-- why: The constraint comes unproven, is proven beside the traffic, then holds.
ALTER TABLE app.employee ADD CONSTRAINT salary_filled NOT NULL salary NOT VALID;
COMMIT;
BEGIN;
ALTER TABLE app.employee VALIDATE CONSTRAINT salary_filled;
