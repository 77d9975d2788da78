"""How a tenant's legs of finding are added up, learned from the questions that it keeps.

Nobody's text and nobody's question: three numbers a language, and how well they did.

Revision: 0018   Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
# What is lost is learned again by the next night's run.
declares_loss = ("app.search_weights",)

WEIGHTS = """
CREATE TABLE app.search_weights (
  tenant_id bigint NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  language text NOT NULL CHECK (language IN ('ja', 'en')),
  -- How much the best hit of a leg counts.
  terms float8 NOT NULL CHECK (terms BETWEEN 0 AND 1),
  grams float8 NOT NULL CHECK (grams BETWEEN 0 AND 1),
  dense float8 NOT NULL CHECK (dense BETWEEN 0 AND 1),
  -- Questions that were learned from, and their mean of 1 / place: of those held out, by weights learned from
  -- the others; and with the weights that were in force before.
  questions integer NOT NULL CHECK (questions > 0),
  mrr float8 NOT NULL CHECK (mrr BETWEEN 0 AND 1),
  mrr_before float8 NOT NULL CHECK (mrr_before BETWEEN 0 AND 1),
  learned_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, language),
  CONSTRAINT some_leg_counts CHECK (terms + grams + dense > 0)
);
SELECT app.protect('search_weights');
GRANT SELECT, INSERT, UPDATE, DELETE ON app.search_weights TO hrx_app;
-- Whoever asks is searched for by them; only the tenant's own work learns.
CREATE POLICY written_by_work ON app.search_weights AS RESTRICTIVE FOR INSERT TO hrx_app
  WITH CHECK ((SELECT app.has_role('system')));
CREATE POLICY changed_by_work ON app.search_weights AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING ((SELECT app.has_role('system')));
CREATE POLICY deleted_by_work ON app.search_weights AS RESTRICTIVE FOR DELETE TO hrx_app
  USING ((SELECT app.has_role('system')));
"""


def upgrade() -> None:
    op.execute(WEIGHTS)


def downgrade() -> None:
    op.execute("DROP TABLE app.search_weights")
