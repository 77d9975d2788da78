-- label: dangerous
-- hazard: table-renamed
-- why: Between the two names code finds the wrong table, or none.
CREATE TABLE app.review_new (LIKE app.review INCLUDING ALL);
SELECT app.protect('review_new');
ALTER TABLE app.review RENAME TO review_old;
ALTER TABLE app.review_new RENAME TO review;
