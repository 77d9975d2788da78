-- label: dangerous
-- hazard: object-dropped
-- why: Everything in the schema goes.
DROP SCHEMA reports CASCADE;
