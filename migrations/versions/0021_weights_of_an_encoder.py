"""Whose vectors the weights of finding were learned with: those of another may help less, or not at all.

Revision: 0021   Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None
# The next night's run learns it again.
declares_loss = ("app.search_weights.encoder",)


def upgrade() -> None:
    # None: learned before there was another encoder than the one that comes along.
    op.execute("ALTER TABLE app.search_weights ADD COLUMN encoder text")


def downgrade() -> None:
    op.execute("ALTER TABLE app.search_weights DROP COLUMN encoder")
