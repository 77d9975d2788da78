"""Questions whose answers are known, and how well they were found and answered, night by night.

A question is HR's, or somebody's who shared it with HR; what it expects is a document and, where that is
said, words of it. Results keep places, never text. Of a tenant nothing is told outside it but sums over all.

Revision: 0016   Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
declares_loss = (
    "app.question_set",
    "app.evaluation_question",
    "app.evaluation_expectation",
    "app.evaluation_run",
    "app.evaluation_result",
    "app.evaluation_figure",
)

QUESTIONS = """
CREATE TABLE app.question_set (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  -- Whose rights its questions are asked with.
  asker_user_id bigint NOT NULL,
  -- Whether a language model writes the answers, as for people; it costs what they cost.
  asks_model boolean NOT NULL DEFAULT false,
  is_active boolean NOT NULL DEFAULT true,
  created_by bigint DEFAULT app.current_user_id(),
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT question_set_name UNIQUE (tenant_id, name),
  UNIQUE (tenant_id, id),
  CONSTRAINT question_set_asker
    FOREIGN KEY (tenant_id, asker_user_id) REFERENCES app.user_account (tenant_id, id)
);
SELECT app.protect('question_set');
GRANT SELECT, INSERT, DELETE ON app.question_set TO hrx_app;
GRANT UPDATE (name, asker_user_id, asks_model, is_active) ON app.question_set TO hrx_app;

CREATE TABLE app.evaluation_question (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  -- None while it is proposed.
  set_id bigint,
  language text NOT NULL CHECK (language IN ('ja', 'en')),
  question text NOT NULL CHECK (char_length(question) BETWEEN 1 AND 2000),
  -- found: one of its expectations is. not_found: nothing that the asker may read answers it.
  expects text NOT NULL CHECK (expects IN ('found', 'not_found')),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('proposed', 'active', 'retired')),
  source text NOT NULL CHECK (source IN ('written', 'imported', 'feedback')),
  -- What its asker thought of the answer, where it came from one.
  verdict text CHECK (verdict IN ('up', 'down')),
  created_by bigint DEFAULT app.current_user_id(),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, id),
  CONSTRAINT question_stands_in_a_set CHECK (state <> 'active' OR set_id IS NOT NULL),
  FOREIGN KEY (tenant_id, set_id) REFERENCES app.question_set (tenant_id, id) ON DELETE CASCADE
);
SELECT app.protect('evaluation_question');
CREATE UNIQUE INDEX evaluation_question_of_set ON app.evaluation_question (tenant_id, set_id, md5(question));
CREATE INDEX evaluation_question_proposed ON app.evaluation_question (tenant_id, id)
  WHERE state = 'proposed';
GRANT SELECT, INSERT, DELETE ON app.evaluation_question TO hrx_app;
GRANT UPDATE (set_id, language, question, expects, state) ON app.evaluation_question TO hrx_app;

CREATE TABLE app.evaluation_expectation (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  question_id bigint NOT NULL,
  document_id bigint NOT NULL,
  -- Words that the right passage holds, whatever the version; any passage of the document without.
  quote text NOT NULL DEFAULT '' CHECK (char_length(quote) <= 1000),
  FOREIGN KEY (tenant_id, question_id) REFERENCES app.evaluation_question (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT expectation_document
    FOREIGN KEY (tenant_id, document_id) REFERENCES app.document (tenant_id, id) ON DELETE CASCADE
);
SELECT app.protect('evaluation_expectation');
CREATE INDEX evaluation_expectation_of_question ON app.evaluation_expectation (tenant_id, question_id);
CREATE INDEX evaluation_expectation_of_document ON app.evaluation_expectation (tenant_id, document_id);
GRANT SELECT, INSERT, DELETE ON app.evaluation_expectation TO hrx_app;
"""

RUNS = """
CREATE TABLE app.evaluation_run (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  -- abandoned: another release or another day began anew before it was done.
  state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'abandoned')),
  cause text NOT NULL CHECK (cause IN ('nightly', 'release', 'asked')),
  -- The code that answered, by its commit.
  commit text NOT NULL DEFAULT '' CHECK (char_length(commit) <= 64),
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  UNIQUE (tenant_id, id)
);
SELECT app.protect('evaluation_run');
-- However many jobs work on it, a tenant has one run at a time.
CREATE UNIQUE INDEX evaluation_run_running ON app.evaluation_run (tenant_id) WHERE state = 'running';
CREATE INDEX evaluation_run_newest ON app.evaluation_run (tenant_id, id DESC);
GRANT SELECT, INSERT, DELETE ON app.evaluation_run TO hrx_app;
GRANT UPDATE (state, finished_at) ON app.evaluation_run TO hrx_app;

CREATE TABLE app.evaluation_result (
  run_id bigint NOT NULL,
  question_id bigint NOT NULL,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  language text NOT NULL CHECK (language IN ('ja', 'en')),
  expects text NOT NULL CHECK (expects IN ('found', 'not_found')),
  -- Place of the first expected passage among the first ten; none when it is not among them.
  place integer CHECK (place BETWEEN 1 AND 10),
  mode text NOT NULL CHECK (mode IN ('model', 'quotes', 'people', 'not_found', 'failed')),
  -- Why it failed, as a code.
  problem text NOT NULL DEFAULT '' CHECK (char_length(problem) <= 100),
  sentences integer NOT NULL DEFAULT 0 CHECK (sentences >= 0),
  supported integer NOT NULL DEFAULT 0,
  latency_ms integer NOT NULL DEFAULT 0,
  -- What came, the best first: documents, versions, and the places of the passages in their texts.
  document_ids bigint[] NOT NULL DEFAULT '{}',
  version_ids bigint[] NOT NULL DEFAULT '{}',
  start_chars integer[] NOT NULL DEFAULT '{}',
  end_chars integer[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (run_id, question_id),
  CONSTRAINT supported_of_sentences CHECK (supported BETWEEN 0 AND sentences),
  FOREIGN KEY (tenant_id, run_id) REFERENCES app.evaluation_run (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, question_id) REFERENCES app.evaluation_question (tenant_id, id) ON DELETE CASCADE
);
SELECT app.protect('evaluation_result');
CREATE INDEX evaluation_result_of_question ON app.evaluation_result (tenant_id, question_id, run_id);
GRANT SELECT, INSERT, DELETE ON app.evaluation_result TO hrx_app;

CREATE TABLE app.evaluation_figure (
  run_id bigint NOT NULL,
  language text NOT NULL CHECK (language IN ('ja', 'en')),
  measure text NOT NULL CHECK (measure IN ('hit', 'mrr', 'first', 'supported', 'not_found')),
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  -- What was counted: questions, or sentences for `supported`.
  counted integer NOT NULL CHECK (counted > 0),
  value float8 NOT NULL CHECK (value BETWEEN 0 AND 1),
  -- Questions that were asked in the runs before, too, and how far below these they are now.
  compared integer NOT NULL DEFAULT 0,
  lost float8,
  PRIMARY KEY (run_id, language, measure),
  FOREIGN KEY (tenant_id, run_id) REFERENCES app.evaluation_run (tenant_id, id) ON DELETE CASCADE
);
SELECT app.protect('evaluation_figure');
GRANT SELECT, INSERT, DELETE ON app.evaluation_figure TO hrx_app;
"""

# Whoever shares a question sees it until HR takes it over, and sees nothing of what becomes of it.
POLICIES = """
CREATE POLICY seen ON app.question_set AS RESTRICTIVE FOR SELECT TO hrx_app
  USING ((SELECT app.sees_everyone()));
CREATE POLICY written ON app.question_set AS RESTRICTIVE FOR INSERT TO hrx_app
  WITH CHECK ((SELECT app.may_write_people()));
CREATE POLICY changed ON app.question_set AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING ((SELECT app.may_write_people()));
CREATE POLICY deleted ON app.question_set AS RESTRICTIVE FOR DELETE TO hrx_app
  USING ((SELECT app.may_write_people()));

CREATE POLICY seen ON app.evaluation_question AS RESTRICTIVE FOR SELECT TO hrx_app
  USING ((SELECT app.sees_everyone())
         OR (state = 'proposed' AND created_by = (SELECT app.current_user_id())));
CREATE POLICY written ON app.evaluation_question AS RESTRICTIVE FOR INSERT TO hrx_app
  WITH CHECK ((SELECT app.may_write_people())
              OR (state = 'proposed' AND set_id IS NULL AND source = 'feedback'
                  AND created_by = (SELECT app.current_user_id())));
CREATE POLICY changed ON app.evaluation_question AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING ((SELECT app.may_write_people()));
CREATE POLICY deleted ON app.evaluation_question AS RESTRICTIVE FOR DELETE TO hrx_app
  USING ((SELECT app.may_write_people()));

CREATE POLICY seen ON app.evaluation_expectation AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  question_id IN (SELECT q.id FROM app.evaluation_question AS q)
  AND document_id IN (SELECT d.id FROM app.document AS d WHERE d.deleted_at IS NULL)
);
CREATE POLICY written ON app.evaluation_expectation AS RESTRICTIVE FOR INSERT TO hrx_app WITH CHECK (
  question_id IN (SELECT q.id FROM app.evaluation_question AS q)
  AND document_id IN (SELECT d.id FROM app.document AS d WHERE d.deleted_at IS NULL)
);
CREATE POLICY deleted ON app.evaluation_expectation AS RESTRICTIVE FOR DELETE TO hrx_app
  USING ((SELECT app.may_write_people()));

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['evaluation_run', 'evaluation_result', 'evaluation_figure'] LOOP
    EXECUTE format('CREATE POLICY seen ON app.%I AS RESTRICTIVE FOR SELECT TO hrx_app'
                   ' USING ((SELECT app.sees_everyone()))', name);
    EXECUTE format('CREATE POLICY written_by_work ON app.%I AS RESTRICTIVE FOR INSERT TO hrx_app'
                   ' WITH CHECK ((SELECT app.has_role(''system'')))', name);
    EXECUTE format('CREATE POLICY deleted_by_work ON app.%I AS RESTRICTIVE FOR DELETE TO hrx_app'
                   ' USING ((SELECT app.has_role(''system'')))', name);
  END LOOP;
END $$;
CREATE POLICY changed_by_work ON app.evaluation_run AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING ((SELECT app.has_role('system')));
"""

# What the process that exports figures is told of all tenants together.
TELLING = """
CREATE POLICY read_through ON app.question_set FOR SELECT TO hrx_policy USING (true);
CREATE POLICY read_through ON app.evaluation_question FOR SELECT TO hrx_policy USING (true);
CREATE POLICY read_through ON app.evaluation_run FOR SELECT TO hrx_policy USING (true);
CREATE POLICY read_through ON app.evaluation_figure FOR SELECT TO hrx_policy USING (true);

CREATE FUNCTION app.tell_evaluations(fewest integer)
RETURNS TABLE (commit text, language text, measure text, counted bigint, value float8, lost float8)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 10 AS $$
  WITH last AS (
    SELECT DISTINCT ON (r.tenant_id) r.id, r.commit
    FROM app.evaluation_run AS r
    JOIN app.tenant AS t ON t.id = r.tenant_id AND t.is_active
    WHERE r.state = 'done'
    ORDER BY r.tenant_id, r.id DESC
  )
  SELECT l.commit, f.language, f.measure, sum(f.counted), sum(f.value * f.counted) / sum(f.counted),
         max(f.lost) FILTER (WHERE f.compared >= fewest)
  FROM last AS l
  JOIN app.evaluation_figure AS f ON f.run_id = l.id
  GROUP BY l.commit, f.language, f.measure
$$;

CREATE FUNCTION app.oldest_evaluation() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT min(coalesce(
    (SELECT max(r.finished_at) FROM app.evaluation_run AS r WHERE r.tenant_id = t.id AND r.state = 'done'),
    (SELECT min(q.created_at) FROM app.evaluation_question AS q
     WHERE q.tenant_id = t.id AND q.state = 'active')))
  FROM app.tenant AS t
  WHERE t.is_active AND EXISTS (
    SELECT FROM app.evaluation_question AS q
    JOIN app.question_set AS s ON s.id = q.set_id AND s.is_active
    WHERE q.tenant_id = t.id AND q.state = 'active')
$$;

CREATE FUNCTION app.list_tenants_to_evaluate(commit text) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT t.id
  FROM app.tenant AS t
  WHERE t.is_active
    AND EXISTS (
      SELECT FROM app.evaluation_question AS q
      JOIN app.question_set AS s ON s.id = q.set_id AND s.is_active
      WHERE q.tenant_id = t.id AND q.state = 'active')
    AND NOT EXISTS (
      SELECT FROM app.evaluation_run AS r
      WHERE r.tenant_id = t.id AND r.commit = list_tenants_to_evaluate.commit AND r.state <> 'abandoned')
  ORDER BY t.id
$$;

DO $$
DECLARE signature text;
BEGIN
  FOREACH signature IN ARRAY ARRAY['tell_evaluations(integer)', 'oldest_evaluation()',
                                   'list_tenants_to_evaluate(text)'] LOOP
    EXECUTE format('ALTER FUNCTION app.%s OWNER TO hrx_policy', signature);
    EXECUTE format('REVOKE ALL ON FUNCTION app.%s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION app.%s TO hrx_app', signature);
  END LOOP;
END $$;
"""


def upgrade() -> None:
    for part in (QUESTIONS, RUNS, POLICIES, TELLING):
        op.execute(part)


def downgrade() -> None:
    # Loses the questions, and what was measured with them.
    for function in (
        "list_tenants_to_evaluate(text)",
        "oldest_evaluation()",
        "tell_evaluations(integer)",
    ):
        op.execute(f"DROP FUNCTION app.{function}")
    for table in (
        "evaluation_figure",
        "evaluation_result",
        "evaluation_run",
        "evaluation_expectation",
        "evaluation_question",
        "question_set",
    ):
        op.execute(f"DROP TABLE app.{table}")
