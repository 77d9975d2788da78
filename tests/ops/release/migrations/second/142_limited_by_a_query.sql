-- label: safe
-- why: Five hundred rows, no more.
WITH picked AS (SELECT e.id FROM app.employee AS e ORDER BY e.id LIMIT 500)
UPDATE app.employee AS t SET status_note = 'x' FROM picked WHERE picked.id = t.id;
