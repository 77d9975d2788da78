-- label: dangerous
-- hazard: backfill-in-transaction
-- why: MERGE updates every row that has a match.
MERGE INTO app.employee AS e USING app.department AS d ON d.id = e.department_id WHEN MATCHED THEN UPDATE SET status_note = d.name;
