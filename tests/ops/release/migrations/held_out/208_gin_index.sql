-- label: dangerous
-- hazard: index-not-concurrent
-- why: The slowest kind to build.
CREATE INDEX employee_words ON app.employee USING gin (to_tsvector('simple', coalesce(name, '')));
