"""Every file that a row names, with the digest of its contents: what a restore holds the storage to.

A table that names files of its own adds its rows by replacing this view. It tells keys made of random
letters, and nothing of what is in the files. Old code goes on to work on this schema.

Revision: 0009   Revises: 0008
"""

from alembic import op

revision = "0009"
# 0008 is being written beside this one: whoever adds it sets this to "0008".
down_revision = "0008"
branch_labels = None
depends_on = None

VIEW = """
CREATE POLICY tell_files ON app.data_import FOR SELECT TO hrx_policy USING (true);
CREATE VIEW seam.stored_file AS
SELECT i.tenant_id, i.file_key AS key, i.file_sha256 AS sha256, i.size_bytes, i.created_at AS stored_at
FROM app.data_import AS i
WHERE i.file_key IS NOT NULL;
ALTER VIEW seam.stored_file OWNER TO hrx_policy;
GRANT SELECT ON seam.stored_file TO hrx_ops;
"""


def upgrade() -> None:
    op.execute(VIEW)


def downgrade() -> None:
    op.execute("DROP VIEW seam.stored_file")
    op.execute("DROP POLICY tell_files ON app.data_import")
