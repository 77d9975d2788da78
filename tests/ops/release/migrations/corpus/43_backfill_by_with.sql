-- label: dangerous
-- hazard: backfill-in-transaction
-- why: An UPDATE inside WITH locks as many rows.
WITH done AS (
  UPDATE app.employee AS e SET status_note = d.name FROM app.department AS d WHERE d.id = e.department_id RETURNING e.id
)
SELECT count(*) FROM done;
