-- label: dangerous
-- hazard: table-rewritten
-- why: The table is written anew under an exclusive lock.
CLUSTER app.employee USING employee_pkey;
