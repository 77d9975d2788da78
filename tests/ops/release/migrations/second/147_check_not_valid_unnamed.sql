-- label: safe
-- why: New rows only.
ALTER TABLE app.employee ADD CHECK (grade > 0) NOT VALID;
