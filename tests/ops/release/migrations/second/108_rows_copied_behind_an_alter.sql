-- label: dangerous
-- hazard: change-then-data
-- why: The lock of the ALTER is held while all the rows are copied.
ALTER TABLE app.review ADD COLUMN origin text;
INSERT INTO app.review (employee_id, score, origin) SELECT e.id, 3, 'import' FROM app.employee AS e;
