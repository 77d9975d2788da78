-- label: safe
-- why: One row by its key.
UPDATE app.department SET name = '総務部' WHERE id = 3;
