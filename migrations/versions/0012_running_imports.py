"""How many imports are in which state: a release waits while one writes.

Counts only; it tells neither whose they are nor what is in them. Old code goes on to work on this schema.

Revision: 0012   Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# The policy role may read data_import since 0009.
VIEW = """
CREATE VIEW seam.import_count AS
SELECT i.state, count(*) AS imports
FROM app.data_import AS i
GROUP BY i.state;
ALTER VIEW seam.import_count OWNER TO hrx_policy;
GRANT SELECT ON seam.import_count TO hrx_ops;
"""


def upgrade() -> None:
    op.execute(VIEW)


def downgrade() -> None:
    # Loses nothing: it only counts.
    op.execute("DROP VIEW seam.import_count")
