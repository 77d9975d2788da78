"""What deleted documents said is gone from conversations too; who has left reads no company documents.

A policy hid quotes of deleted documents; the words stayed. Now they go in the transaction that deletes, and
an answer that is being written meanwhile keeps none. Copies and repairs run with triggers off: a daily job
finds what they leave.

Revision: 0017   Revises: 0016
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# By document, over all tenants: ids are the house's, not the tenant's.
INDEX = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS answer_sentence_of_document
  ON app.answer_sentence USING gin (document_ids)
"""

# One lock a tenant orders whoever deletes documents against whoever writes or deletes answers, so that no
# rows are missed and no two wait for each other in a ring. Answers share it; it is held for the few
# statements that write one, never while a model does. Functions of the policy role name the tenant.
FORGETTING = """
CREATE FUNCTION app.share_quotes(of_tenant bigint) RETURNS void LANGUAGE sql VOLATILE AS
$$ SELECT pg_catalog.pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('hrx.quotes', of_tenant)) $$;

-- Of these documents, those that are deleted or not there at all.
CREATE FUNCTION app.gone_documents(documents bigint[], of_tenant bigint) RETURNS bigint[]
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT coalesce(array_agg(DISTINCT told.id), '{}')
  FROM unnest(documents) AS told (id)
  WHERE NOT EXISTS (SELECT 1 FROM app.document AS d
                    WHERE d.id = told.id AND d.tenant_id = of_tenant AND d.deleted_at IS NULL)
$$;

-- Whoever deletes one of the documents has waited for us, or we for them: what is read here holds.
CREATE FUNCTION app.keep_sentence() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  PERFORM app.share_quotes(NEW.tenant_id);
  RETURN CASE WHEN app.gone_documents(NEW.document_ids, NEW.tenant_id) = '{}' THEN NEW END;
END $$;
CREATE FUNCTION app.keep_citation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  PERFORM app.share_quotes(NEW.tenant_id);
  RETURN CASE WHEN app.gone_documents(ARRAY[NEW.document_id], NEW.tenant_id) = '{}' THEN NEW END;
END $$;
CREATE FUNCTION app.end_conversations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM app.share_quotes(app.current_tenant());
  RETURN NULL;
END $$;

-- Indexes: answer_sentence_of_document; document_version (document_id, number), answer_citation_of_version.
CREATE FUNCTION app.forget_quotes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('hrx.quotes', OLD.tenant_id));
  DELETE FROM app.answer_sentence AS s
  WHERE s.document_ids @> ARRAY[OLD.id] AND s.tenant_id = OLD.tenant_id;
  DELETE FROM app.answer_citation AS c
  WHERE c.tenant_id = OLD.tenant_id
    AND c.version_id IN (SELECT v.id FROM app.document_version AS v
                         WHERE v.document_id = OLD.id AND v.tenant_id = OLD.tenant_id);
  RETURN NULL;
END $$;

-- The next answers after `after_id`: the last of them, and how many sentences and citations were forgotten.
-- No row when there are none. Background work of the tenant.
CREATE FUNCTION app.forget_lost_quotes(after_id bigint, at_most integer)
RETURNS TABLE (last_id bigint, forgotten bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog ROWS 1 AS $$
DECLARE
  of_tenant bigint := app.current_tenant();
  gone bigint[];
  counted bigint;
BEGIN
  SELECT max(a.id) INTO last_id
  FROM (SELECT n.id FROM app.answer AS n
        WHERE n.tenant_id = of_tenant AND n.id > after_id AND app.has_role('system')
        ORDER BY n.id LIMIT at_most) AS a;
  IF last_id IS NULL THEN
    RETURN;
  END IF;
  gone := app.gone_documents(ARRAY(
    SELECT unnest(s.document_ids) FROM app.answer_sentence AS s
    WHERE s.tenant_id = of_tenant AND s.answer_id > after_id AND s.answer_id <= last_id
    UNION
    SELECT c.document_id FROM app.answer_citation AS c
    WHERE c.tenant_id = of_tenant AND c.answer_id > after_id AND c.answer_id <= last_id
  ), of_tenant);
  forgotten := 0;
  IF gone <> '{}' THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('hrx.quotes', of_tenant));
    DELETE FROM app.answer_sentence AS s
    WHERE s.tenant_id = of_tenant AND s.answer_id > after_id AND s.answer_id <= last_id
      AND s.document_ids && gone;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    DELETE FROM app.answer_citation AS c
    WHERE c.tenant_id = of_tenant AND c.answer_id > after_id AND c.answer_id <= last_id
      AND c.document_id = ANY (gone);
    GET DIAGNOSTICS counted = ROW_COUNT;
    forgotten := forgotten + counted;
  END IF;
  RETURN NEXT;
END $$;

-- Somebody whose employment is over: some spell of it lies before today, none holds today. Who only begins
-- later has not left, and an account without a person cannot.
CREATE FUNCTION app.principal_has_left() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT EXISTS (SELECT 1 FROM app.person AS p
                 WHERE p.id = app.current_person() AND p.tenant_id = app.current_tenant()
                   AND p.employed && daterange(NULL, app.tenant_today())
                   AND NOT p.employed @> app.tenant_today())
$$;

DO $$
DECLARE signature text;
BEGIN
  FOREACH signature IN ARRAY ARRAY['gone_documents(bigint[], bigint)', 'keep_sentence()', 'keep_citation()',
      'forget_quotes()', 'forget_lost_quotes(bigint, integer)', 'principal_has_left()'] LOOP
    EXECUTE format('ALTER FUNCTION app.%s OWNER TO hrx_policy', signature);
    EXECUTE format('REVOKE ALL ON FUNCTION app.%s FROM PUBLIC', signature);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION app.forget_lost_quotes(bigint, integer), app.principal_has_left() TO hrx_app;
"""

# Tables that few write come first; app.document, which every question reads, is locked last and briefly.
WALLS = """
GRANT DELETE ON app.answer_sentence, app.answer_citation TO hrx_policy;
CREATE POLICY read_through ON app.answer_sentence FOR SELECT TO hrx_policy USING (true);
CREATE POLICY forgotten ON app.answer_sentence FOR DELETE TO hrx_policy USING (true);
CREATE TRIGGER keep_sentence BEFORE INSERT ON app.answer_sentence
  FOR EACH ROW EXECUTE FUNCTION app.keep_sentence();
CREATE POLICY read_through ON app.answer_citation FOR SELECT TO hrx_policy USING (true);
CREATE POLICY forgotten ON app.answer_citation FOR DELETE TO hrx_policy USING (true);
CREATE TRIGGER keep_citation BEFORE INSERT ON app.answer_citation
  FOR EACH ROW EXECUTE FUNCTION app.keep_citation();
CREATE TRIGGER end_conversations BEFORE DELETE ON app.conversation
  FOR EACH STATEMENT EXECUTE FUNCTION app.end_conversations();
CREATE POLICY read_through ON app.document FOR SELECT TO hrx_policy USING (true);
CREATE TRIGGER forget_quotes_of_deleted AFTER UPDATE OF deleted_at ON app.document
  FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
  EXECUTE FUNCTION app.forget_quotes();
CREATE TRIGGER forget_quotes_of_cleared AFTER DELETE ON app.document
  FOR EACH ROW EXECUTE FUNCTION app.forget_quotes();
"""

_SEEN = """
ALTER POLICY seen ON app.document USING (
  -- The transaction that deletes must see what it has deleted, or its own update would be refused.
  (deleted_at IS NULL OR (SELECT app.may_write_people())
   OR (deleted_at = now() AND deleted_by = (SELECT app.current_user_id())))
  AND (
    (SELECT app.sees_everyone())
    {company}
    OR (audience = 'person' AND person_id = (SELECT app.current_person()))
    OR (audience = 'person' AND person_id IN (SELECT app.my_line((SELECT app.asked_on()))))
    OR (audience = 'chosen' AND id IN (SELECT app.my_documents()))
  )
)
"""
# Of the company's documents nothing is left to who has left; their own stay theirs.
SEEN = _SEEN.format(
    company="""OR (audience IN ('everyone', 'managers') AND NOT (SELECT app.principal_has_left())
        AND (audience = 'everyone' OR (SELECT app.has_role('manager'))))"""
)
SEEN_BEFORE = _SEEN.format(
    company="""OR audience = 'everyone'
    OR (audience = 'managers' AND (SELECT app.has_role('manager')))"""
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # It waits for old transactions and stands in nobody's way while it waits.
        op.execute("SET lock_timeout = 0")
        op.execute(INDEX)
        op.execute("RESET lock_timeout")
    for part in (FORGETTING, WALLS, SEEN):
        op.execute(part)


def downgrade() -> None:
    op.execute(SEEN_BEFORE)
    for trigger, table in (
        ("forget_quotes_of_cleared", "document"),
        ("forget_quotes_of_deleted", "document"),
        ("end_conversations", "conversation"),
        ("keep_citation", "answer_citation"),
        ("keep_sentence", "answer_sentence"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON app.{table}")
    op.execute("DROP POLICY read_through ON app.document")
    for table in ("answer_citation", "answer_sentence"):
        op.execute(f"DROP POLICY forgotten ON app.{table}")
        op.execute(f"DROP POLICY read_through ON app.{table}")
        op.execute(f"REVOKE DELETE ON app.{table} FROM hrx_policy")
    for function in (
        "principal_has_left()",
        "forget_lost_quotes(bigint, integer)",
        "forget_quotes()",
        "end_conversations()",
        "keep_citation()",
        "keep_sentence()",
        "gone_documents(bigint[], bigint)",
        "share_quotes(bigint)",
    ):
        op.execute(f"DROP FUNCTION app.{function}")
    op.execute("DROP INDEX app.answer_sentence_of_document")
