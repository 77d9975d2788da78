"""What a model of ours said of a résumé, why, and what people decided: rows that nobody changes.

A score is of one version of a document by one version of a model, alone or for a role. Of a document that is
deleted no score is left. Decisions are added, never changed; the newest counts.

Revision: 0020   Revises: 0019
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
declares_loss = ("app.role_profile", "app.model_score", "app.score_decision")

TABLES = """
CREATE TABLE app.role_profile (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
  description text NOT NULL DEFAULT '' CHECK (char_length(description) <= 20000),
  -- Skills that the role asks for, by their ids.
  skills text[] NOT NULL DEFAULT '{}' CHECK (cardinality(skills) <= 50),
  -- Where its title comes from one of the organisation.
  position_id bigint,
  created_by bigint DEFAULT app.current_user_id(),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, id)
);
SELECT app.protect('role_profile');
CREATE INDEX role_profile_newest ON app.role_profile (tenant_id, id DESC);
GRANT SELECT, INSERT, DELETE ON app.role_profile TO hrx_app;

CREATE TABLE app.model_score (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  model text NOT NULL CHECK (char_length(model) BETWEEN 1 AND 60),
  model_version text NOT NULL CHECK (char_length(model_version) BETWEEN 1 AND 100),
  -- Of the model's file. None where a part that scores from before this migration answered.
  model_sha256 text CHECK (model_sha256 ~ '^[0-9a-f]{64}$'),
  -- Of a version that nobody is shown: it is watched beside the one that answers.
  is_shadow boolean NOT NULL DEFAULT false,
  document_id bigint NOT NULL,
  version_id bigint NOT NULL,
  -- None: what the résumé shows. Else: how well it matches this role.
  role_id bigint,
  -- A skill's id, or match.
  label text NOT NULL CHECK (char_length(label) BETWEEN 1 AND 60),
  score float8 NOT NULL CHECK (score BETWEEN 0 AND 1),
  -- Of a skill: [{"word", "weight", "places": [[start, end]]}], places in document_text.body, in characters.
  -- Of a match: [{"skill", "asked", "shown", "share"}].
  reasons jsonb NOT NULL DEFAULT '[]',
  asked_by bigint DEFAULT app.current_user_id(),
  made_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, id),
  CONSTRAINT model_score_once
    UNIQUE NULLS NOT DISTINCT (version_id, role_id, model_version, is_shadow, label)
);
SELECT app.protect('model_score');
CREATE INDEX model_score_of_document ON app.model_score (tenant_id, document_id);
CREATE INDEX model_score_of_role ON app.model_score (tenant_id, role_id) WHERE role_id IS NOT NULL;
CREATE INDEX model_score_made ON app.model_score (made_at);
GRANT SELECT, INSERT, DELETE ON app.model_score TO hrx_app;

CREATE TABLE app.score_decision (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  score_id bigint NOT NULL,
  verdict text NOT NULL CHECK (verdict IN ('accepted', 'rejected')),
  decided_by bigint DEFAULT app.current_user_id(),
  decided_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (tenant_id, score_id) REFERENCES app.model_score (tenant_id, id) ON DELETE CASCADE
);
SELECT app.protect('score_decision');
CREATE INDEX score_decision_of_score ON app.score_decision (tenant_id, score_id, id DESC);
GRANT SELECT, INSERT ON app.score_decision TO hrx_app;
"""

# A score is seen by whoever sees its document (and its role), a shadow's by background work alone. There is
# no right to change any of these rows.
POLICIES = """
CREATE POLICY seen ON app.role_profile AS RESTRICTIVE FOR SELECT TO hrx_app
  USING ((SELECT app.sees_everyone()) OR created_by = (SELECT app.current_user_id()));
CREATE POLICY written ON app.role_profile AS RESTRICTIVE FOR INSERT TO hrx_app WITH CHECK (
  created_by = (SELECT app.current_user_id())
  AND ((SELECT app.may_write_people()) OR (SELECT app.has_role('manager')))
);
CREATE POLICY deleted ON app.role_profile AS RESTRICTIVE FOR DELETE TO hrx_app
  USING ((SELECT app.may_write_people()) OR created_by = (SELECT app.current_user_id()));

CREATE POLICY seen ON app.model_score AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  document_id IN (SELECT d.id FROM app.document AS d
                  WHERE d.deleted_at IS NULL OR (SELECT app.has_role('system')))
  AND (role_id IS NULL OR role_id IN (SELECT r.id FROM app.role_profile AS r))
  AND (NOT is_shadow OR (SELECT app.has_role('system')))
);
CREATE POLICY written ON app.model_score AS RESTRICTIVE FOR INSERT TO hrx_app WITH CHECK (
  document_id IN (SELECT d.id FROM app.document AS d WHERE d.deleted_at IS NULL)
  AND (role_id IS NULL OR role_id IN (SELECT r.id FROM app.role_profile AS r))
  AND ((SELECT app.has_role('system')) OR (NOT is_shadow AND asked_by = (SELECT app.current_user_id())))
);
CREATE POLICY deleted_by_work ON app.model_score AS RESTRICTIVE FOR DELETE TO hrx_app
  USING ((SELECT app.has_role('system')));

CREATE POLICY seen ON app.score_decision AS RESTRICTIVE FOR SELECT TO hrx_app
  USING (EXISTS (SELECT FROM app.model_score AS s WHERE s.id = score_id));
-- HR, whom a résumé is about for its skills, and a manager for the roles that they described themselves.
CREATE POLICY written ON app.score_decision AS RESTRICTIVE FOR INSERT TO hrx_app WITH CHECK (
  decided_by = (SELECT app.current_user_id())
  AND EXISTS (
    SELECT FROM app.model_score AS s
    JOIN app.document AS d ON d.id = s.document_id
    LEFT JOIN app.role_profile AS r ON r.id = s.role_id
    WHERE s.id = score_id AND NOT s.is_shadow
      AND ((SELECT app.may_write_people())
           OR (s.role_id IS NULL AND d.person_id = (SELECT app.current_person())
               AND (SELECT app.principal_is_employed()))
           OR (r.created_by = (SELECT app.current_user_id()) AND (SELECT app.has_role('manager'))))
  )
);
"""

# What a model must not take for a sign of a skill: the person's names, and what the résumé itself says of who
# they are. The same for everybody who asks, or a score would depend on the asker.
IDENTITY = """
CREATE POLICY read_through ON app.document_proposal FOR SELECT TO hrx_policy USING (true);

CREATE FUNCTION app.tell_identity(of_versions bigint[]) RETURNS TABLE (version_id bigint, told text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 100 AS $$
  SELECT p.version_id, p.value
  FROM app.document_proposal AS p
  WHERE p.version_id = ANY (of_versions) AND p.tenant_id = app.current_tenant()
    AND p.field IN ('name', 'name_kana', 'birth_on', 'postal_code', 'address', 'phone', 'email')
  UNION
  SELECT v.id, n.told
  FROM app.document_version AS v
  JOIN app.document AS d ON d.id = v.document_id
  JOIN app.person AS p ON p.id = d.person_id AND p.tenant_id = d.tenant_id
  CROSS JOIN LATERAL unnest(ARRAY[concat_ws(' ', p.family_kanji, p.given_kanji),
                                  concat_ws(' ', p.family_kana, p.given_kana),
                                  concat_ws(' ', p.family_latin, p.given_latin)]) AS n (told)
  WHERE v.id = ANY (of_versions) AND v.tenant_id = app.current_tenant() AND btrim(n.told) <> ''
$$;
"""

# Sums over all tenants, for whoever watches the model: how scores lie, and how often people agreed.
TELLING = """
CREATE POLICY read_through ON app.model_score FOR SELECT TO hrx_policy USING (true);
CREATE POLICY read_through ON app.score_decision FOR SELECT TO hrx_policy USING (true);

-- Tenths (0 to 9) of the skills' scores made since a moment. Index: model_score_made.
CREATE FUNCTION app.tell_scores(since timestamptz)
RETURNS TABLE (model text, model_version text, is_shadow boolean, label text, tenth integer, counted bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 200 AS $$
  SELECT s.model, s.model_version, s.is_shadow, s.label, least(floor(s.score * 10)::integer, 9), count(*)
  FROM app.model_score AS s
  JOIN app.tenant AS t ON t.id = s.tenant_id AND t.is_active
  WHERE s.made_at >= since AND s.role_id IS NULL
  GROUP BY s.model, s.model_version, s.is_shadow, s.label, least(floor(s.score * 10)::integer, 9)
$$;

-- What people decided of a résumé's skill since a moment, held to what each version says of the same.
CREATE FUNCTION app.tell_verdicts(since timestamptz, sure float8)
RETURNS TABLE (model text, model_version text, is_shadow boolean, counted bigint, agreed bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 5 AS $$
  WITH decided AS (
    SELECT DISTINCT ON (s.version_id, s.label) s.model, s.version_id, s.label, c.verdict
    FROM app.score_decision AS c
    JOIN app.model_score AS s ON s.id = c.score_id AND s.tenant_id = c.tenant_id
    JOIN app.tenant AS t ON t.id = c.tenant_id AND t.is_active
    WHERE c.decided_at >= since AND s.role_id IS NULL
    ORDER BY s.version_id, s.label, c.id DESC
  )
  SELECT s.model, s.model_version, s.is_shadow, count(*),
         count(*) FILTER (WHERE (s.score >= sure) = (d.verdict = 'accepted'))
  FROM decided AS d
  JOIN app.model_score AS s
    ON s.version_id = d.version_id AND s.label = d.label AND s.model = d.model AND s.role_id IS NULL
  GROUP BY s.model, s.model_version, s.is_shadow
$$;

DO $$
DECLARE signature text;
BEGIN
  FOREACH signature IN ARRAY ARRAY['tell_identity(bigint[])', 'tell_scores(timestamptz)',
                                   'tell_verdicts(timestamptz, float8)'] LOOP
    EXECUTE format('ALTER FUNCTION app.%s OWNER TO hrx_policy', signature);
    EXECUTE format('REVOKE ALL ON FUNCTION app.%s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION app.%s TO hrx_app', signature);
  END LOOP;
END $$;
"""

# What points to tables that people write all the time comes last, as in 0013. The tables are empty.
REFERENCES = """
ALTER TABLE app.model_score
  ADD FOREIGN KEY (tenant_id, version_id) REFERENCES app.document_version (tenant_id, id) ON DELETE CASCADE,
  ADD FOREIGN KEY (tenant_id, document_id) REFERENCES app.document (tenant_id, id) ON DELETE CASCADE,
  ADD FOREIGN KEY (tenant_id, role_id) REFERENCES app.role_profile (tenant_id, id) ON DELETE CASCADE,
  ADD FOREIGN KEY (tenant_id, asked_by) REFERENCES app.user_account (tenant_id, id);
ALTER TABLE app.score_decision
  ADD FOREIGN KEY (tenant_id, decided_by) REFERENCES app.user_account (tenant_id, id);
ALTER TABLE app.role_profile
  ADD FOREIGN KEY (tenant_id) REFERENCES app.tenant (id),
  ADD FOREIGN KEY (tenant_id, position_id) REFERENCES app.position (tenant_id, id),
  ADD FOREIGN KEY (tenant_id, created_by) REFERENCES app.user_account (tenant_id, id);
"""


def upgrade() -> None:
    for part in (TABLES, POLICIES, IDENTITY, TELLING, REFERENCES):
        op.execute(part)


def downgrade() -> None:
    # Loses what models said and what people decided of it.
    op.execute("DROP FUNCTION app.tell_verdicts(timestamptz, float8)")
    op.execute("DROP FUNCTION app.tell_scores(timestamptz)")
    op.execute("DROP FUNCTION app.tell_identity(bigint[])")
    op.execute("DROP POLICY read_through ON app.document_proposal")
    for table in ("score_decision", "model_score", "role_profile"):
        op.execute(f"DROP TABLE app.{table}")
