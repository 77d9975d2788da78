-- label: dangerous
-- hazard: downgrade-empty
-- why: One of two columns stays behind.
ALTER TABLE app.review ADD COLUMN remark text, ADD COLUMN remark_by bigint;
-- downgrade --
ALTER TABLE app.review DROP COLUMN remark;
