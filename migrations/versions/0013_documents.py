"""Documents: what was uploaded, its versions with the days on which each is in force, and their passages.

Who may see a document is decided once, by the policy on app.document; versions, texts and passages ask it.
Nothing of a version can be found before it is ready, and nothing of a document after it was deleted.

Revision: 0013   Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
declares_loss = (
    "app.document",
    "app.document_reader",
    "app.document_version",
    "app.document_text",
    "app.document_passage",
    "app.document_proposal",
)

TABLES = """
CREATE TABLE app.document (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  kind text NOT NULL
    CHECK (kind IN ('policy', 'handbook', 'form', 'notice', 'resume', 'career_history', 'other')),
  title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 300),
  -- Where it lay in an imported folder or archive: the same place again is a new version, not a new document.
  source_path text CHECK (char_length(source_path) BETWEEN 1 AND 1000),
  -- person: whom it is about, those above in the line, and HR. chosen: the people and units named as readers.
  audience text NOT NULL CHECK (audience IN ('everyone', 'managers', 'hr', 'person', 'chosen')),
  person_id bigint,
  created_by bigint,
  created_at timestamptz NOT NULL DEFAULT now(),
  deleted_by bigint,
  deleted_at timestamptz,
  UNIQUE (tenant_id, id),
  CONSTRAINT document_about_somebody CHECK (audience <> 'person' OR person_id IS NOT NULL)
);
SELECT app.protect('document');
CREATE INDEX document_newest ON app.document (tenant_id, id DESC) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX document_source ON app.document (tenant_id, source_path) WHERE deleted_at IS NULL;
CREATE INDEX document_of_person ON app.document (person_id) WHERE person_id IS NOT NULL;
GRANT SELECT, INSERT, DELETE ON app.document TO hrx_app;
GRANT UPDATE (kind, title, audience, person_id, deleted_by, deleted_at) ON app.document TO hrx_app;

-- Who may read a document with the audience `chosen`: a person, or everybody in a unit and below it.
CREATE TABLE app.document_reader (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  document_id bigint NOT NULL,
  person_id bigint,
  org_unit_id bigint,
  CONSTRAINT reader_is_one CHECK (num_nonnulls(person_id, org_unit_id) = 1),
  CONSTRAINT reader_named_once UNIQUE NULLS NOT DISTINCT (document_id, person_id, org_unit_id),
  FOREIGN KEY (tenant_id, document_id) REFERENCES app.document (tenant_id, id)
);
SELECT app.protect('document_reader');
CREATE INDEX document_reader_person ON app.document_reader (tenant_id, person_id)
  WHERE person_id IS NOT NULL;
CREATE INDEX document_reader_unit ON app.document_reader (tenant_id, org_unit_id)
  WHERE org_unit_id IS NOT NULL;
GRANT SELECT, INSERT, DELETE ON app.document_reader TO hrx_app;

CREATE TABLE app.document_version (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  document_id bigint NOT NULL,
  number integer NOT NULL CHECK (number > 0),
  -- waiting, reading: on its way. ready: found on the days of `effective`. replaced: a later version stands for
  -- all of its days. failed: `problem` says why.
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'reading', 'ready', 'replaced', 'failed')),
  -- As asked for at the upload; narrowed when a later version becomes ready.
  effective daterange NOT NULL CHECK (NOT isempty(effective)),
  file_name text NOT NULL CHECK (char_length(file_name) BETWEEN 1 AND 255),
  media_type text NOT NULL CHECK (char_length(media_type) BETWEEN 3 AND 200),
  file_key text,
  file_sha256 text NOT NULL,
  size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
  language text CHECK (language IN ('ja', 'en')),
  pages_total integer CHECK (pages_total >= 0),
  pages_done integer NOT NULL DEFAULT 0 CHECK (pages_done >= 0),
  passages integer NOT NULL DEFAULT 0 CHECK (passages >= 0),
  -- What a reader of the file should know: [{"code", "page", "message": {"ja", "en"}}]; hidden text is one.
  warnings jsonb NOT NULL DEFAULT '[]',
  -- Why it failed: {"code", "message": {"ja", "en"}, "hint": {"ja", "en"}}.
  problem jsonb,
  created_by bigint,
  created_at timestamptz NOT NULL DEFAULT now(),
  ready_at timestamptz,
  UNIQUE (tenant_id, id),
  UNIQUE (document_id, number),
  CONSTRAINT ready_versions_do_not_overlap EXCLUDE USING gist
    (app.days_of(document_id, effective) WITH &&) WHERE (state = 'ready'),
  FOREIGN KEY (tenant_id, document_id) REFERENCES app.document (tenant_id, id)
);
SELECT app.protect('document_version');
CREATE INDEX document_version_on_the_way ON app.document_version (tenant_id, id)
  WHERE state IN ('waiting', 'reading');
GRANT SELECT, INSERT, DELETE ON app.document_version TO hrx_app;
GRANT UPDATE (state, effective, file_key, media_type, language, pages_total, pages_done, passages, warnings, problem,
              ready_at) ON app.document_version TO hrx_app;

-- The whole text of a version, normalised once (NFKC apart: what is shown is what was written). Places in it
-- are counted in characters; page_starts[n] is where page n + 1 begins.
CREATE TABLE app.document_text (
  version_id bigint PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  document_id bigint NOT NULL,
  body text NOT NULL,
  page_starts integer[] NOT NULL DEFAULT '{}',
  FOREIGN KEY (tenant_id, version_id) REFERENCES app.document_version (tenant_id, id),
  FOREIGN KEY (tenant_id, document_id) REFERENCES app.document (tenant_id, id)
);
SELECT app.protect('document_text');
CREATE INDEX document_text_of_document ON app.document_text (tenant_id, document_id);
GRANT SELECT, INSERT, DELETE ON app.document_text TO hrx_app;

-- Its id is the key of the search index: a row never changes, another text is another row.
CREATE TABLE app.document_passage (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  document_id bigint NOT NULL,
  version_id bigint NOT NULL,
  ordinal integer NOT NULL CHECK (ordinal >= 0),
  language text NOT NULL CHECK (language IN ('ja', 'en')),
  page integer CHECK (page > 0),
  -- Title, headings from the outermost on: what the passage stands under.
  headings text[] NOT NULL DEFAULT '{}',
  -- document_text.body[start_char:end_char], the text below and its digest.
  start_char integer NOT NULL CHECK (start_char >= 0),
  end_char integer NOT NULL CHECK (end_char > start_char),
  body text NOT NULL,
  body_sha256 text NOT NULL CHECK (body_sha256 ~ '^[0-9a-f]{64}$'),
  UNIQUE (tenant_id, id),
  UNIQUE (version_id, ordinal),
  FOREIGN KEY (tenant_id, version_id) REFERENCES app.document_version (tenant_id, id),
  FOREIGN KEY (tenant_id, document_id) REFERENCES app.document (tenant_id, id)
);
SELECT app.protect('document_passage');
CREATE INDEX document_passage_of_document ON app.document_passage (tenant_id, document_id);
GRANT SELECT, INSERT, DELETE ON app.document_passage TO hrx_app;

-- What a résumé seems to say about a person, with the place; it enters the record when a person accepts it.
CREATE TABLE app.document_proposal (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  document_id bigint NOT NULL,
  version_id bigint NOT NULL,
  person_id bigint NOT NULL,
  field text NOT NULL CHECK (char_length(field) BETWEEN 1 AND 60),
  value text NOT NULL CHECK (char_length(value) BETWEEN 1 AND 2000),
  start_char integer NOT NULL CHECK (start_char >= 0),
  end_char integer NOT NULL CHECK (end_char > start_char),
  state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'accepted', 'rejected')),
  decided_by bigint,
  decided_at timestamptz,
  UNIQUE (version_id, field, start_char, end_char),
  FOREIGN KEY (tenant_id, version_id) REFERENCES app.document_version (tenant_id, id),
  FOREIGN KEY (tenant_id, document_id) REFERENCES app.document (tenant_id, id)
);
SELECT app.protect('document_proposal');
CREATE INDEX document_proposal_of_document ON app.document_proposal (tenant_id, document_id);
GRANT SELECT, INSERT, DELETE ON app.document_proposal TO hrx_app;
GRANT UPDATE (state, decided_by, decided_at) ON app.document_proposal TO hrx_app;
"""  # noqa: E501

READERS = """
CREATE POLICY read_through ON app.document_reader FOR SELECT TO hrx_policy USING (true);

-- Documents that name the principal, or a unit in which the principal stands today, as a reader. Names the
-- tenant itself, as every function of the policy role.
CREATE FUNCTION app.my_documents() RETURNS SETOF bigint
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
    AND ((r.person_id = app.current_person() AND app.principal_is_employed())
         OR r.org_unit_id IN (SELECT unit.org_unit_id FROM unit))
$$;
ALTER FUNCTION app.my_documents() OWNER TO hrx_policy;
REVOKE ALL ON FUNCTION app.my_documents() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.my_documents() TO hrx_app;
"""

# Restrictive, as everywhere: they narrow what the tenant policy lets through. A document about a person is
# judged by the line of the day that is asked about; all others by who the asker is today.
SEEING = """
CREATE POLICY seen ON app.document AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  -- The transaction that deletes must see what it has deleted, or its own update would be refused.
  (deleted_at IS NULL OR (SELECT app.may_write_people())
   OR (deleted_at = now() AND deleted_by = (SELECT app.current_user_id())))
  AND (
    (SELECT app.sees_everyone())
    OR audience = 'everyone'
    OR (audience = 'managers' AND (SELECT app.has_role('manager')))
    OR (audience = 'person' AND person_id = (SELECT app.current_person()))
    OR (audience = 'person' AND person_id IN (SELECT app.my_line((SELECT app.asked_on()))))
    OR (audience = 'chosen' AND id IN (SELECT app.my_documents()))
  )
);
CREATE POLICY seen ON app.document_reader AS RESTRICTIVE FOR SELECT TO hrx_app
  USING ((SELECT app.sees_everyone()));
-- What is not ready yet concerns those who look after it; what is deleted, only those who clear it away.
CREATE POLICY seen ON app.document_version AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  document_id IN (SELECT d.id FROM app.document AS d)
  AND (state IN ('ready', 'replaced') OR (SELECT app.sees_everyone())
       OR created_by = (SELECT app.current_user_id()))
);
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['document_text', 'document_passage'] LOOP
    EXECUTE format('CREATE POLICY seen ON app.%I AS RESTRICTIVE FOR SELECT TO hrx_app'
                   ' USING (document_id IN (SELECT d.id FROM app.document AS d WHERE d.deleted_at IS NULL'
                   '                        OR (SELECT app.has_role(''system''))))', name);
  END LOOP;
END $$;
CREATE POLICY seen ON app.document_proposal AS RESTRICTIVE FOR SELECT TO hrx_app USING (
  document_id IN (SELECT d.id FROM app.document AS d
                  WHERE d.deleted_at IS NULL OR (SELECT app.has_role('system')))
  AND ((SELECT app.sees_everyone()) OR person_id = (SELECT app.current_person()))
);
"""

# HR and background work write everything; employees bring in their own résumé and take it away again.
WRITING = """
CREATE POLICY written ON app.document AS RESTRICTIVE FOR INSERT TO hrx_app WITH CHECK (
  (SELECT app.may_write_people())
  OR (kind IN ('resume', 'career_history') AND audience = 'person'
      AND person_id = (SELECT app.current_person()) AND (SELECT app.principal_is_employed()))
);
CREATE POLICY changed ON app.document AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING ((SELECT app.may_write_people())
         OR (kind IN ('resume', 'career_history') AND audience = 'person'
             AND person_id = (SELECT app.current_person())))
  WITH CHECK ((SELECT app.may_write_people())
              OR (kind IN ('resume', 'career_history') AND audience = 'person'
                  AND person_id = (SELECT app.current_person())));
CREATE POLICY written ON app.document_version AS RESTRICTIVE FOR INSERT TO hrx_app WITH CHECK (
  (SELECT app.may_write_people())
  OR document_id IN (SELECT d.id FROM app.document AS d
                     WHERE d.kind IN ('resume', 'career_history') AND d.audience = 'person'
                       AND d.person_id = (SELECT app.current_person()))
);
CREATE POLICY changed ON app.document_version AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING ((SELECT app.may_write_people())) WITH CHECK ((SELECT app.may_write_people()));
CREATE POLICY written ON app.document_reader AS RESTRICTIVE FOR INSERT TO hrx_app
  WITH CHECK ((SELECT app.may_write_people()));
CREATE POLICY deleted ON app.document_reader AS RESTRICTIVE FOR DELETE TO hrx_app
  USING ((SELECT app.may_write_people()));
CREATE POLICY decided ON app.document_proposal AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING ((SELECT app.may_write_people())
         OR (person_id = (SELECT app.current_person()) AND (SELECT app.principal_is_employed())))
  WITH CHECK ((SELECT app.may_write_people())
              OR (person_id = (SELECT app.current_person()) AND (SELECT app.principal_is_employed())));
DO $$
DECLARE name text;
BEGIN
  -- Written by the job that reads the file, deleted by the job that clears away.
  FOREACH name IN ARRAY ARRAY['document_text', 'document_passage', 'document_proposal'] LOOP
    EXECUTE format('CREATE POLICY written_by_work ON app.%I AS RESTRICTIVE FOR INSERT TO hrx_app'
                   ' WITH CHECK ((SELECT app.has_role(''system'')))', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['document', 'document_version', 'document_text', 'document_passage',
                              'document_proposal'] LOOP
    EXECUTE format('CREATE POLICY deleted_by_work ON app.%I AS RESTRICTIVE FOR DELETE TO hrx_app'
                   ' USING ((SELECT app.has_role(''system'')))', name);
  END LOOP;
END $$;
"""

# Every file that a row names: what a restore holds the storage to (see 0009).
FILES = """
CREATE POLICY tell_files ON app.document_version FOR SELECT TO hrx_policy USING (true);
CREATE OR REPLACE VIEW seam.stored_file AS
SELECT i.tenant_id, i.file_key AS key, i.file_sha256 AS sha256, i.size_bytes, i.created_at AS stored_at
FROM app.data_import AS i
WHERE i.file_key IS NOT NULL
UNION ALL
SELECT v.tenant_id, v.file_key, v.file_sha256, v.size_bytes, v.created_at
FROM app.document_version AS v
WHERE v.file_key IS NOT NULL;
"""
FILES_BEFORE = """
CREATE OR REPLACE VIEW seam.stored_file AS
SELECT i.tenant_id, i.file_key AS key, i.file_sha256 AS sha256, i.size_bytes, i.created_at AS stored_at
FROM app.data_import AS i
WHERE i.file_key IS NOT NULL;
"""
# What points to tables that people write all the time comes last: from the first of these statements until
# the transaction ends nobody writes app.tenant, app.person, app.org_unit or app.user_account. The tables are
# empty, so nothing is read for them.
REFERENCES = """
ALTER TABLE app.document
  ADD FOREIGN KEY (tenant_id) REFERENCES app.tenant (id),
  ADD FOREIGN KEY (tenant_id, person_id) REFERENCES app.person (tenant_id, id),
  ADD FOREIGN KEY (tenant_id, created_by) REFERENCES app.user_account (tenant_id, id),
  ADD FOREIGN KEY (tenant_id, deleted_by) REFERENCES app.user_account (tenant_id, id);
ALTER TABLE app.document_reader
  ADD FOREIGN KEY (tenant_id, person_id) REFERENCES app.person (tenant_id, id),
  ADD FOREIGN KEY (tenant_id, org_unit_id) REFERENCES app.org_unit (tenant_id, id);
ALTER TABLE app.document_version
  ADD FOREIGN KEY (tenant_id, created_by) REFERENCES app.user_account (tenant_id, id);
ALTER TABLE app.document_proposal
  ADD FOREIGN KEY (tenant_id, person_id) REFERENCES app.person (tenant_id, id),
  ADD FOREIGN KEY (tenant_id, decided_by) REFERENCES app.user_account (tenant_id, id);
"""

TABLE_NAMES = (
    "document_proposal",
    "document_passage",
    "document_text",
    "document_version",
    "document_reader",
    "document",
)


def upgrade() -> None:
    for part in (TABLES, READERS, SEEING, WRITING, FILES, REFERENCES):
        op.execute(part)


def downgrade() -> None:
    # Loses the documents' rows; their files stay in the storage until they are cleared away as strays.
    op.execute(FILES_BEFORE)
    for table in TABLE_NAMES[:-1]:
        op.execute(f"DROP TABLE app.{table} CASCADE")
    op.execute("DROP TABLE app.document CASCADE")
    op.execute("DROP FUNCTION app.my_documents()")
