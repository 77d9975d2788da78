-- label: dangerous
-- hazard: type-rewrite
-- why: Table and indexes are written anew.
ALTER TABLE app.department ALTER COLUMN name TYPE varchar(80);
ALTER TABLE app.review ALTER COLUMN employee_id TYPE numeric;
