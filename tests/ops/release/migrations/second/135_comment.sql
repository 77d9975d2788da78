-- label: safe
-- why: Words only.
COMMENT ON COLUMN app.employee.grade IS '等級';
