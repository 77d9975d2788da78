-- label: dangerous
-- hazard: object-dropped
-- why: CASCADE takes the columns of that type along.
DROP TYPE app.employment_state CASCADE;
