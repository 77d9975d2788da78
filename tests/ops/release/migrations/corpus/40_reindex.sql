-- label: dangerous
-- hazard: index-not-concurrent
-- why: Writers wait while the index is built again.
REINDEX TABLE app.employee;
