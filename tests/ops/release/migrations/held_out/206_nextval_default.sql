-- label: dangerous
-- hazard: default-volatile
-- why: A sequence is asked for every row.
CREATE SEQUENCE app.badge_number;
ALTER TABLE app.review ADD COLUMN badge bigint NOT NULL DEFAULT nextval('app.badge_number');
