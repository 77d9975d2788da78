-- label: dangerous
-- hazard: tenant-table-unprotected
-- why: Nothing keeps one customer's rows from another's.
CREATE TABLE app.badge (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL,
  label text NOT NULL
);
