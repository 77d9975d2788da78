-- label: dangerous
-- hazard: mass-delete
-- why: Duplicates go, and with them rows that somebody may want back.
DELETE FROM app.review AS a USING app.review AS b WHERE a.score = b.score AND a.id < b.id;
