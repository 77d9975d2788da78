-- label: dangerous
-- hazard: type-rewrite
-- why: Every row is computed and written anew.
ALTER TABLE app.employee ALTER COLUMN created_at TYPE timestamp USING created_at AT TIME ZONE 'Asia/Tokyo';
