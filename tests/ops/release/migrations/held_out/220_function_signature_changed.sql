-- label: dangerous
-- hazard: object-dropped
-- why: Code calls it with one argument.
DROP FUNCTION app.protect(text);
CREATE FUNCTION app.protect(table_name text, strict boolean) RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
