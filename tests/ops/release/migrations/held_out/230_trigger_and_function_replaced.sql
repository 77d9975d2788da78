-- label: safe
-- why: The trigger keeps its name; no row is read.
CREATE FUNCTION app.stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.created_at := now(); RETURN new; END $$;
CREATE TRIGGER stamped BEFORE INSERT ON app.employee FOR EACH ROW EXECUTE FUNCTION app.stamp();
-- downgrade --
DROP TRIGGER stamped ON app.employee;
DROP FUNCTION app.stamp();
