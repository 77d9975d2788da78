-- label: safe
-- why: It only loosens.
ALTER TABLE app.employee DROP CONSTRAINT department_filled;
