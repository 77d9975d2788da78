-- label: safe
-- why: A short lock for writers; no row is read.
CREATE FUNCTION app.note_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
CREATE TRIGGER noted BEFORE UPDATE ON app.review FOR EACH ROW EXECUTE FUNCTION app.note_change();
-- downgrade --
DROP TRIGGER noted ON app.review;
DROP FUNCTION app.note_change();
