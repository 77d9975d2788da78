-- label: dangerous
-- hazard: default-volatile
-- why: Each row draws a number from a sequence: a rewrite.
ALTER TABLE app.employee ADD COLUMN line_number bigserial;
