-- label: dangerous
-- hazard: object-dropped
-- why: Later migrations and running code call it.
DROP FUNCTION app.protect(text);
