"""The tables of a generation of `passages`, in SQL.

Words and vector lie in the row itself; letter groups, six times as many, go beside it where the
row would be longer than 2 kB: they are read for the best by words only. Only background work writes."""

from __future__ import annotations

from typing import Final

COLUMNS_SQL: Final = """
CREATE TABLE search.{name} (
  tenant_id bigint NOT NULL,
  key bigint NOT NULL,
  digest text NOT NULL,
  document_id bigint NOT NULL,
  version_id bigint NOT NULL,
  language text NOT NULL,
  terms public.sparsevec NOT NULL,
  grams public.sparsevec,
  embedding public.halfvec,
  PRIMARY KEY (tenant_id, key)
);
ALTER TABLE search.{name} ALTER terms SET STORAGE EXTERNAL, ALTER grams SET STORAGE EXTERNAL,
  ALTER embedding SET STORAGE PLAIN;
CREATE INDEX {name}_version ON search.{name} (tenant_id, version_id);
CREATE INDEX {name}_document ON search.{name} (tenant_id, document_id);
CREATE INDEX {name}_lacking ON search.{name} (tenant_id, key) WHERE starts_with(digest, 'without a vector ')
"""
#: In how many passages of the tenant a term stands, by language and the place of the term; place 0 counts the
#: passages. Counts by version would tell it of what the asker may read, but are as large as the index itself.
COUNTS_SQL: Final = """
CREATE TABLE search.{name}_df (
  tenant_id bigint NOT NULL,
  language text NOT NULL,
  place integer NOT NULL,
  passages integer NOT NULL,
  PRIMARY KEY (tenant_id, language, place)
) WITH (fillfactor = 70);
CREATE TRIGGER counted_in AFTER INSERT ON search.{name}
  REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION search.count_passages();
CREATE TRIGGER counted_out AFTER DELETE ON search.{name}
  REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION search.count_passages();
CREATE TRIGGER counted_anew AFTER UPDATE ON search.{name}
  REFERENCING OLD TABLE AS went NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION search.count_passages()
"""
#: As app.has_role('system'), but standing on nothing of the product: its schema comes and goes by migrations.
IS_WORK: Final = "'system' = ANY (string_to_array(coalesce(current_setting('hrx.roles', true), ''), ','))"
RIGHTS_SQL: Final = """
CREATE POLICY written_by_work ON search.{name} AS RESTRICTIVE FOR INSERT
  WITH CHECK ((SELECT {is_work}));
CREATE POLICY changed_by_work ON search.{name} AS RESTRICTIVE FOR UPDATE
  USING ((SELECT {is_work}));
CREATE POLICY deleted_by_work ON search.{name} AS RESTRICTIVE FOR DELETE
  USING ((SELECT {is_work}));
CREATE POLICY written_by_work ON search.{name}_df AS RESTRICTIVE FOR INSERT
  WITH CHECK ((SELECT {is_work}));
CREATE POLICY changed_by_work ON search.{name}_df AS RESTRICTIVE FOR UPDATE
  USING ((SELECT {is_work}));
CREATE POLICY deleted_by_work ON search.{name}_df AS RESTRICTIVE FOR DELETE
  USING ((SELECT {is_work}));
GRANT INSERT, DELETE, UPDATE (digest, embedding) ON search.{name} TO {roles};
GRANT INSERT, UPDATE, DELETE ON search.{name}_df TO {roles}
"""
#: Whoever writes, whatever way: the counts follow. Runs as the writer, under the writer's policies.
FUNCTION_SQL: Final = """
CREATE OR REPLACE FUNCTION search.count_passages() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  changed bigint;
  counts CONSTANT text := TG_TABLE_NAME || '_df';
  told CONSTANT text := 'SELECT r.tenant_id, r.language, split_part(e.one, '':'', 1)::integer AS place,'
    ' count(*)::integer AS passages FROM %s AS r CROSS JOIN LATERAL string_to_table(concat_ws('','', ''0:1'','
    ' nullif(split_part(ltrim(r.terms::text, ''{''), ''}'', 1), ''''),'
    ' nullif(split_part(ltrim(r.grams::text, ''{''), ''}'', 1), '''')), '','') AS e (one)'
    ' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3';
BEGIN
  IF TG_OP = 'UPDATE' THEN
    -- A vector that comes later changes no words: nothing to count, nobody to wait for.
    SELECT count(*) INTO changed FROM went AS w
    LEFT JOIN came AS c ON c.tenant_id = w.tenant_id AND c.key = w.key AND c.language = w.language
      AND c.terms OPERATOR(public.=) w.terms
      AND (c.grams OPERATOR(public.=) w.grams OR (c.grams IS NULL AND w.grams IS NULL))
    WHERE c.key IS NULL;
    IF changed = 0 THEN
      RETURN NULL;
    END IF;
  END IF;
  -- One writer of a tenant at a time, to the end of its transaction: two would wait for each other's terms.
  PERFORM pg_advisory_xact_lock(hashtextextended(counts || current_setting('hrx.tenant_id', true), 0));
  IF TG_OP <> 'INSERT' THEN
    EXECUTE format('UPDATE search.%I AS d SET passages = d.passages - w.passages FROM (' || told || ') AS w'
                   ' WHERE d.tenant_id = w.tenant_id AND d.language = w.language AND d.place = w.place',
                   counts, 'went');
    EXECUTE format('DELETE FROM search.%I AS d USING (' || told || ') AS w'
                   ' WHERE d.tenant_id = w.tenant_id AND d.language = w.language AND d.place = w.place'
                   ' AND d.passages <= 0', counts, 'went');
  END IF;
  IF TG_OP <> 'DELETE' THEN
    EXECUTE format('INSERT INTO search.%I AS d (tenant_id, language, place, passages) ' || told ||
                   ' ON CONFLICT (tenant_id, language, place)'
                   ' DO UPDATE SET passages = d.passages + excluded.passages', counts, 'came');
  END IF;
  RETURN NULL;
END $$
"""
INSERT_SQL: Final = """
INSERT INTO {table} (tenant_id, key, digest, document_id, version_id, language, terms, grams, embedding)
SELECT %(tenant)s, r.key, r.digest, r.document_id, r.version_id, r.language, r.terms::public.sparsevec,
       r.grams::public.sparsevec, r.embedding::public.halfvec
FROM unnest(%(keys)s::bigint[], %(digests)s::text[], %(documents)s::bigint[], %(versions)s::bigint[],
            %(languages)s::text[], %(terms)s::text[], %(grams)s::text[], %(embeddings)s::text[])
  AS r (key, digest, document_id, version_id, language, terms, grams, embedding)
ORDER BY r.key
ON CONFLICT (tenant_id, key) DO UPDATE
SET digest = excluded.digest, document_id = excluded.document_id, version_id = excluded.version_id,
    language = excluded.language, terms = excluded.terms, grams = excluded.grams,
    embedding = excluded.embedding
"""
