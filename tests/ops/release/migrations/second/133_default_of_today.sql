-- label: safe
-- why: current_date is one day for the whole statement.
ALTER TABLE app.review ADD COLUMN graded_on date NOT NULL DEFAULT current_date;
