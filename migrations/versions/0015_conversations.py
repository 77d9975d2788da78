"""Conversations with the assistant: questions, the sentences of answers, and the places they rest on.

A conversation belongs to its user alone. What an answer quotes is seen again only by whoever may still see
the document: a citation keeps the place and its digest, never the text. Auditors get counts.

Revision: 0015   Revises: 0013
"""

from alembic import op

# hrx: accept check-valid-at-once on app.ai_policy because it holds at most one row a tenant
revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None
declares_loss = (
    "app.conversation",
    "app.answer",
    "app.answer_sentence",
    "app.answer_citation",
    "app.ai_policy.keeps_conversations_days",
)

TABLES = """
ALTER TABLE app.ai_policy ADD COLUMN keeps_conversations_days integer NOT NULL DEFAULT 90
  CONSTRAINT conversations_are_kept CHECK (keeps_conversations_days BETWEEN 1 AND 3650);
GRANT UPDATE (keeps_conversations_days) ON app.ai_policy TO hrx_app;

CREATE TABLE app.conversation (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  user_id bigint NOT NULL DEFAULT app.current_user_id(),
  created_at timestamptz NOT NULL DEFAULT now(),
  last_asked_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES app.user_account (tenant_id, id)
);
SELECT app.protect('conversation');
CREATE INDEX conversation_of_user ON app.conversation (tenant_id, user_id, id DESC);
CREATE INDEX conversation_oldest ON app.conversation (tenant_id, last_asked_at);
GRANT SELECT, INSERT, DELETE ON app.conversation TO hrx_app;
GRANT UPDATE (last_asked_at) ON app.conversation TO hrx_app;

CREATE TABLE app.answer (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  conversation_id bigint NOT NULL,
  question text NOT NULL CHECK (char_length(question) BETWEEN 1 AND 4000),
  language text NOT NULL CHECK (language IN ('ja', 'en')),
  -- The day that was asked about.
  asked_on date NOT NULL,
  asked_at timestamptz NOT NULL DEFAULT now(),
  -- model: written by one, checked. quotes: sentences of the documents. people: counted in the records.
  mode text NOT NULL CHECK (mode IN ('model', 'quotes', 'people', 'not_found')),
  -- Interrupted until it is done: a process that dies leaves no answer that looks whole.
  state text NOT NULL DEFAULT 'interrupted' CHECK (state IN ('interrupted', 'done')),
  -- Why no model wrote it, as a code.
  reason text NOT NULL DEFAULT '' CHECK (char_length(reason) <= 100),
  searched_documents integer NOT NULL DEFAULT 0,
  citations integer NOT NULL DEFAULT 0,
  -- Calls to models carry the same number (app.ai_call).
  correlation_id text NOT NULL DEFAULT '' CHECK (char_length(correlation_id) <= 100),
  prompt_version text NOT NULL DEFAULT '' CHECK (char_length(prompt_version) <= 100),
  -- A question about people as it was understood. Its answer is not kept: it is asked again when it is shown.
  intent jsonb,
  verdict text CHECK (verdict IN ('up', 'down')),
  verdict_reason text CHECK (char_length(verdict_reason) <= 1000),
  verdict_at timestamptz,
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES app.conversation (tenant_id, id) ON DELETE CASCADE
);
SELECT app.protect('answer');
CREATE INDEX answer_of_conversation ON app.answer (tenant_id, conversation_id, id);
GRANT SELECT, INSERT ON app.answer TO hrx_app;
GRANT UPDATE (mode, state, reason, prompt_version, verdict, verdict_reason, verdict_at)
  ON app.answer TO hrx_app;

CREATE TABLE app.answer_sentence (
  answer_id bigint NOT NULL,
  ordinal integer NOT NULL CHECK (ordinal >= 0),
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  body text NOT NULL,
  citations integer[] NOT NULL DEFAULT '{}',
  is_supported boolean NOT NULL,
  -- Whose words it may hold: the documents it cites, or all that were read for it where it cites none.
  document_ids bigint[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (answer_id, ordinal),
  FOREIGN KEY (tenant_id, answer_id) REFERENCES app.answer (tenant_id, id) ON DELETE CASCADE
);
SELECT app.protect('answer_sentence');
GRANT SELECT, INSERT ON app.answer_sentence TO hrx_app;

CREATE TABLE app.answer_citation (
  answer_id bigint NOT NULL,
  number integer NOT NULL CHECK (number > 0),
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  document_id bigint NOT NULL,
  version_id bigint NOT NULL,
  -- The passage, and within it the quote; places in document_text.body, with the digests of what stood there.
  start_char integer NOT NULL CHECK (start_char >= 0),
  end_char integer NOT NULL CHECK (end_char > start_char),
  body_sha256 text NOT NULL CHECK (body_sha256 ~ '^[0-9a-f]{64}$'),
  quote_start integer NOT NULL,
  quote_end integer NOT NULL,
  quote_sha256 text NOT NULL CHECK (quote_sha256 ~ '^[0-9a-f]{64}$'),
  headings text[] NOT NULL DEFAULT '{}',
  page integer,
  PRIMARY KEY (answer_id, number),
  CONSTRAINT quote_is_of_passage
    CHECK (start_char <= quote_start AND quote_start < quote_end AND quote_end <= end_char),
  FOREIGN KEY (tenant_id, answer_id) REFERENCES app.answer (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, version_id) REFERENCES app.document_version (tenant_id, id) ON DELETE CASCADE
);
SELECT app.protect('answer_citation');
CREATE INDEX answer_citation_of_version ON app.answer_citation (tenant_id, version_id);
GRANT SELECT, INSERT ON app.answer_citation TO hrx_app;
"""

# Background work clears conversations away and sees nothing in them.
POLICIES = """
CREATE POLICY seen ON app.conversation AS RESTRICTIVE FOR SELECT TO hrx_app
  USING (user_id = (SELECT app.current_user_id()) OR (SELECT app.has_role('system')));
CREATE POLICY written ON app.conversation AS RESTRICTIVE FOR INSERT TO hrx_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY changed ON app.conversation AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY deleted ON app.conversation AS RESTRICTIVE FOR DELETE TO hrx_app
  USING (user_id = (SELECT app.current_user_id()) OR (SELECT app.has_role('system')));

CREATE POLICY seen ON app.answer AS RESTRICTIVE FOR SELECT TO hrx_app
  USING (conversation_id IN (SELECT c.id FROM app.conversation AS c
                             WHERE c.user_id = (SELECT app.current_user_id())));
CREATE POLICY written ON app.answer AS RESTRICTIVE FOR INSERT TO hrx_app
  WITH CHECK (conversation_id IN (SELECT c.id FROM app.conversation AS c
                                  WHERE c.user_id = (SELECT app.current_user_id())));
CREATE POLICY changed ON app.answer AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING (conversation_id IN (SELECT c.id FROM app.conversation AS c
                             WHERE c.user_id = (SELECT app.current_user_id())));

-- By row, over the primary keys of the few documents of one answer.
CREATE POLICY seen ON app.answer_sentence AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  answer_id IN (SELECT a.id FROM app.answer AS a)
  AND NOT EXISTS (
    SELECT 1 FROM unnest(document_ids) AS cited (id)
    WHERE NOT EXISTS (SELECT 1 FROM app.document AS d WHERE d.id = cited.id AND d.deleted_at IS NULL)
  )
);
CREATE POLICY written ON app.answer_sentence AS RESTRICTIVE FOR INSERT TO hrx_app
  WITH CHECK (answer_id IN (SELECT a.id FROM app.answer AS a));
CREATE POLICY seen ON app.answer_citation AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  answer_id IN (SELECT a.id FROM app.answer AS a)
  AND EXISTS (SELECT 1 FROM app.document AS d WHERE d.id = document_id AND d.deleted_at IS NULL)
  AND EXISTS (SELECT 1 FROM app.document_version AS v WHERE v.id = version_id)
);
CREATE POLICY written ON app.answer_citation AS RESTRICTIVE FOR INSERT TO hrx_app
  WITH CHECK (answer_id IN (SELECT a.id FROM app.answer AS a));
"""

# What owners and auditors are told: how many, never what.
COUNTING = """
CREATE POLICY read_through ON app.answer FOR SELECT TO hrx_policy USING (true);
CREATE FUNCTION app.count_answers(since date, until date)
RETURNS TABLE (mode text, answers bigint, interrupted bigint, up bigint, down bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 4 AS $$
  SELECT a.mode, count(*), count(*) FILTER (WHERE a.state = 'interrupted'),
         count(*) FILTER (WHERE a.verdict = 'up'), count(*) FILTER (WHERE a.verdict = 'down')
  FROM app.answer AS a
  WHERE a.tenant_id = app.current_tenant()
    AND (app.has_role('owner') OR app.has_role('auditor'))
    AND a.asked_at >= since AND a.asked_at < until + 1
  GROUP BY a.mode
$$;
ALTER FUNCTION app.count_answers(date, date) OWNER TO hrx_policy;
REVOKE ALL ON FUNCTION app.count_answers(date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.count_answers(date, date) TO hrx_app;
"""


def upgrade() -> None:
    for part in (TABLES, POLICIES, COUNTING):
        op.execute(part)


def downgrade() -> None:
    # Loses the conversations.
    op.execute("DROP FUNCTION app.count_answers(date, date)")
    for table in ("answer_citation", "answer_sentence", "answer", "conversation"):
        op.execute(f"DROP TABLE app.{table}")
    op.execute("ALTER TABLE app.ai_policy DROP COLUMN keeps_conversations_days")
