-- label: dangerous
-- hazard: table-dropped
-- why: The new table of the same name has none of the rows.
DROP TABLE app.review;
CREATE TABLE app.review (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  employee_id bigint NOT NULL,
  score integer NOT NULL
);
SELECT app.protect('review');
