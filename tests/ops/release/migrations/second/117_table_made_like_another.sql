-- label: dangerous
-- hazard: tenant-table-unprotected
-- why: LIKE takes columns and indexes over, and no policy.
CREATE TABLE app.old_review (LIKE app.review INCLUDING ALL);
