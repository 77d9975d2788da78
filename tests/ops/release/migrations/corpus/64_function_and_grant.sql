-- label: safe
-- why: A function more, and a right for the role that calls it.
CREATE FUNCTION app.count_employees() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT count(*) FROM app.employee $$;
REVOKE ALL ON FUNCTION app.count_employees() FROM PUBLIC;
-- downgrade --
DROP FUNCTION app.count_employees();
