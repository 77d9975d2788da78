"""Whether the principal is employed is asked once for all the documents that name it, not once for each.

In `app.my_documents` it was asked per row: a look at app.person for each of 500 readers' rows, in each of the
policies that stand in one question.

Revision: 0019   Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
declares_loss = ()

# As in 0013 but for `employed`. Owner and grants stay with the function.
_MY_DOCUMENTS = """
CREATE OR REPLACE FUNCTION app.my_documents() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 50 AS $$
  WITH RECURSIVE unit (org_unit_id) AS (
    SELECT a.org_unit_id
    FROM app.assignment AS a
    WHERE a.person_id = app.current_person() AND a.tenant_id = app.current_tenant()
      AND upper_inf(a.known) AND (a.valid @> app.tenant_today()) IS TRUE
      AND app.principal_is_employed()
    UNION
    SELECT v.parent_id
    FROM unit
    JOIN app.org_unit_version AS v ON v.org_unit_id = unit.org_unit_id
    WHERE v.tenant_id = app.current_tenant() AND v.parent_id IS NOT NULL
      AND upper_inf(v.known) AND (v.valid @> app.tenant_today()) IS TRUE
  )
  SELECT r.document_id
  FROM app.document_reader AS r
  WHERE r.tenant_id = app.current_tenant()
    AND ((r.person_id = app.current_person() AND {employed})
         OR r.org_unit_id IN (SELECT unit.org_unit_id FROM unit))
$$
"""


def upgrade() -> None:
    op.execute(_MY_DOCUMENTS.format(employed="(SELECT app.principal_is_employed())"))


def downgrade() -> None:
    op.execute(_MY_DOCUMENTS.format(employed="app.principal_is_employed()"))
