-- label: dangerous
-- hazard: table-emptied
-- why: Everything in the table is lost, under an exclusive lock.
TRUNCATE app.review;
