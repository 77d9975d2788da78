-- label: dangerous
-- hazard: table-rewritten
-- why: Every row is written anew, and a crash empties the table.
ALTER TABLE app.review SET UNLOGGED;
