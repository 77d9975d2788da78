-- label: safe
-- why: Readers and writers pass.
ANALYZE app.employee;
