-- label: safe
-- why: A hundred rows named by their keys.
UPDATE app.employee SET status_note = 'moved' WHERE id IN (11, 12, 13, 14);
