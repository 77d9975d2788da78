-- label: dangerous
-- hazard: default-volatile
-- why: md5 is stable, what it is given is not.
ALTER TABLE app.review ADD COLUMN token text DEFAULT md5(random()::text);
