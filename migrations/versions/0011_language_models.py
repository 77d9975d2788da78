"""Calls to language models: what each cost, what may be spent, and whether personal data is masked.

Written by background work of the tenant only, whoever asks; owners set limits, owners and auditors read. No
column holds a word of a conversation.

Revision: 0011   Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
declares_loss = (
    "app.ai_allowance",
    "app.ai_call",
    "app.ai_policy",
)

TABLES = """
CREATE TABLE app.ai_allowance (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  -- The first day of the month, in UTC.
  period_on date NOT NULL CHECK (extract(day FROM period_on) = 1),
  -- Whom it bounds: a feature, a user, both, or with neither everything of the tenant.
  feature text CHECK (char_length(feature) BETWEEN 1 AND 60),
  user_id bigint,
  limit_nano_usd bigint CHECK (limit_nano_usd >= 0),
  calls_per_minute integer CHECK (calls_per_minute >= 0),
  used_nano_usd bigint NOT NULL DEFAULT 0,
  reserved_nano_usd bigint NOT NULL DEFAULT 0,
  minute_at timestamptz,
  minute_calls integer NOT NULL DEFAULT 0,
  CONSTRAINT ai_allowance_of_month UNIQUE NULLS NOT DISTINCT (tenant_id, period_on, feature, user_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES app.user_account (tenant_id, id)
) WITH (fillfactor = 50);
SELECT app.protect('ai_allowance');
GRANT SELECT, INSERT ON app.ai_allowance TO hrx_app;
GRANT UPDATE (limit_nano_usd, calls_per_minute, used_nano_usd, reserved_nano_usd, minute_at, minute_calls)
  ON app.ai_allowance TO hrx_app;

CREATE TABLE app.ai_call (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  user_id bigint,
  feature text NOT NULL CHECK (char_length(feature) BETWEEN 1 AND 60),
  operation text NOT NULL CHECK (operation IN ('chat', 'embeddings')),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'answered', 'failed', 'abandoned', 'lost')),
  prompt_version text NOT NULL CHECK (char_length(prompt_version) <= 100),
  correlation_id text NOT NULL CHECK (char_length(correlation_id) <= 100),
  is_masked boolean NOT NULL,
  reserved_nano_usd bigint NOT NULL,
  allowance_ids bigint[] NOT NULL,
  vendor text,
  model text,
  input_tokens bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  cached_tokens bigint NOT NULL DEFAULT 0,
  cost_nano_usd bigint NOT NULL DEFAULT 0,
  is_estimated boolean NOT NULL DEFAULT false,
  fallback_reason text NOT NULL DEFAULT '',
  -- One entry for each request: vendor, model, outcome, milliseconds, tokens, cost.
  attempts jsonb NOT NULL DEFAULT '[]',
  latency_ms integer,
  first_token_ms integer,
  started_at timestamptz NOT NULL,
  settled_at timestamptz,
  FOREIGN KEY (tenant_id, user_id) REFERENCES app.user_account (tenant_id, id)
);
SELECT app.protect('ai_call');
CREATE INDEX ai_call_newest ON app.ai_call (tenant_id, id DESC);
CREATE INDEX ai_call_open ON app.ai_call (tenant_id, started_at) WHERE state = 'open';
GRANT SELECT, INSERT ON app.ai_call TO hrx_app;
GRANT UPDATE (state, reserved_nano_usd, vendor, model, input_tokens, output_tokens, cached_tokens,
              cost_nano_usd, is_estimated, fallback_reason, attempts, latency_ms, first_token_ms, settled_at)
  ON app.ai_call TO hrx_app;

CREATE TABLE app.ai_policy (
  tenant_id bigint PRIMARY KEY DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  masks_personal_data boolean NOT NULL DEFAULT false
);
SELECT app.protect('ai_policy');
GRANT SELECT, INSERT ON app.ai_policy TO hrx_app;
GRANT UPDATE (masks_personal_data) ON app.ai_policy TO hrx_app;
"""

POLICIES = """
CREATE POLICY seen ON app.ai_call AS RESTRICTIVE FOR SELECT TO hrx_app
  USING ((SELECT app.has_role('owner')) OR (SELECT app.has_role('auditor'))
         OR (SELECT app.has_role('system')));
CREATE POLICY seen ON app.ai_allowance AS RESTRICTIVE FOR SELECT TO hrx_app
  USING ((SELECT app.has_role('owner')) OR (SELECT app.has_role('auditor'))
         OR (SELECT app.has_role('system')));
CREATE POLICY written_by_work ON app.ai_call AS RESTRICTIVE FOR INSERT TO hrx_app
  WITH CHECK ((SELECT app.has_role('system')));
CREATE POLICY settled_by_work ON app.ai_call AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING ((SELECT app.has_role('system'))) WITH CHECK ((SELECT app.has_role('system')));
CREATE POLICY set_by_owner ON app.ai_allowance AS RESTRICTIVE FOR INSERT TO hrx_app
  WITH CHECK ((SELECT app.has_role('owner')) OR (SELECT app.has_role('system')));
CREATE POLICY changed_by_owner ON app.ai_allowance AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING ((SELECT app.has_role('owner')) OR (SELECT app.has_role('system')))
  WITH CHECK ((SELECT app.has_role('owner')) OR (SELECT app.has_role('system')));
CREATE POLICY set_by_owner ON app.ai_policy AS RESTRICTIVE FOR INSERT TO hrx_app
  WITH CHECK ((SELECT app.has_role('owner')) OR (SELECT app.has_role('system')));
CREATE POLICY changed_by_owner ON app.ai_policy AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING ((SELECT app.has_role('owner')) OR (SELECT app.has_role('system')))
  WITH CHECK ((SELECT app.has_role('owner')) OR (SELECT app.has_role('system')));
"""


def upgrade() -> None:
    for part in (TABLES, POLICIES):
        op.execute(part)


def downgrade() -> None:
    # Loses limits and the record of calls.
    for table in ("ai_policy", "ai_call", "ai_allowance"):
        op.execute(f"DROP TABLE app.{table}")
