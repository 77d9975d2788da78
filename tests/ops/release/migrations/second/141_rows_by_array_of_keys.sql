-- label: safe
-- why: Three rows.
UPDATE app.employee SET status_note = 'x' WHERE id = ANY (ARRAY[1, 2, 3]);
