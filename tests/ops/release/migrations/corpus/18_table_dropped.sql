-- label: dangerous
-- hazard: table-dropped
-- why: Code that still runs reads the table.
DROP TABLE app.review;
