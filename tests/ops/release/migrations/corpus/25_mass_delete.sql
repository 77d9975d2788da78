-- label: dangerous
-- hazard: mass-delete
-- why: Rows are lost, and writers of the rest wait.
DELETE FROM app.review WHERE score < 4;
