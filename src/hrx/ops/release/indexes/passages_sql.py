"""The tables of a generation of `passages`, in SQL.

Vectors lie in the row itself, or beside it where a row would not fit into a page: a table without text is
read five to twenty times faster than one with it (measured). Only background work of the tenant writes."""

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
) WITH (toast_tuple_target = 8160);
ALTER TABLE search.{name} ALTER terms SET STORAGE EXTERNAL, ALTER grams SET STORAGE EXTERNAL,
  ALTER embedding SET STORAGE EXTERNAL;
CREATE INDEX {name}_version ON search.{name} (tenant_id, version_id);
CREATE INDEX {name}_document ON search.{name} (tenant_id, document_id)
"""
#: In how many passages of a version a term stands, by the place of the term; place 0 counts the passages.
#: A search adds up the versions that its asker may read: what he may not read changes nothing for him.
COUNTS_SQL: Final = """
CREATE TABLE search.{name}_df (
  tenant_id bigint NOT NULL,
  language text NOT NULL,
  place integer NOT NULL,
  version_id bigint NOT NULL,
  passages integer NOT NULL,
  PRIMARY KEY (tenant_id, place, language, version_id)
);
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
CREATE POLICY deleted_by_work ON search.{name} AS RESTRICTIVE FOR DELETE
  USING ((SELECT {is_work}));
CREATE POLICY written_by_work ON search.{name}_df AS RESTRICTIVE FOR INSERT
  WITH CHECK ((SELECT {is_work}));
CREATE POLICY changed_by_work ON search.{name}_df AS RESTRICTIVE FOR UPDATE
  USING ((SELECT {is_work}));
CREATE POLICY deleted_by_work ON search.{name}_df AS RESTRICTIVE FOR DELETE
  USING ((SELECT {is_work}));
GRANT INSERT, DELETE ON search.{name} TO {roles};
GRANT INSERT, UPDATE, DELETE ON search.{name}_df TO {roles}
"""
#: Whoever writes, whatever way: the counts follow. Runs as the writer, under the writer's policies.
FUNCTION_SQL: Final = """
CREATE OR REPLACE FUNCTION search.count_passages() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  counts CONSTANT text := TG_TABLE_NAME || '_df';
  told CONSTANT text := 'SELECT r.tenant_id, r.language, split_part(e.one, '':'', 1)::integer AS place,'
    ' r.version_id, count(*)::integer AS passages FROM %s AS r'
    ' CROSS JOIN LATERAL string_to_table(concat_ws('','', ''0:1'','
    ' nullif(split_part(ltrim(r.terms::text, ''{''), ''}'', 1), ''''),'
    ' nullif(split_part(ltrim(r.grams::text, ''{''), ''}'', 1), '''')), '','') AS e (one)'
    ' GROUP BY 1, 2, 3, 4 ORDER BY 1, 3, 2, 4';
BEGIN
  IF TG_OP <> 'INSERT' THEN
    EXECUTE format('UPDATE search.%I AS d SET passages = d.passages - w.passages FROM (' || told || ') AS w'
                   ' WHERE d.tenant_id = w.tenant_id AND d.place = w.place AND d.language = w.language'
                   ' AND d.version_id = w.version_id', counts, 'went');
    EXECUTE format('DELETE FROM search.%I AS d USING (' || told || ') AS w'
                   ' WHERE d.tenant_id = w.tenant_id AND d.place = w.place AND d.language = w.language'
                   ' AND d.version_id = w.version_id AND d.passages <= 0', counts, 'went');
  END IF;
  IF TG_OP <> 'DELETE' THEN
    EXECUTE format('INSERT INTO search.%I AS d (tenant_id, language, place, version_id, passages) ' || told ||
                   ' ON CONFLICT (tenant_id, place, language, version_id)'
                   ' DO UPDATE SET passages = d.passages + excluded.passages', counts, 'came');
  END IF;
  RETURN NULL;
END $$
"""
INSERT_SQL: Final = """
INSERT INTO {table} (tenant_id, key, digest, document_id, version_id, language, terms, grams)
SELECT %(tenant)s, r.key, r.digest, r.document_id, r.version_id, r.language, r.terms::public.sparsevec,
       r.grams::public.sparsevec
FROM unnest(%(keys)s::bigint[], %(digests)s::text[], %(documents)s::bigint[], %(versions)s::bigint[],
            %(languages)s::text[], %(terms)s::text[], %(grams)s::text[])
  AS r (key, digest, document_id, version_id, language, terms, grams)
ORDER BY r.key
ON CONFLICT (tenant_id, key) DO UPDATE
SET digest = excluded.digest, document_id = excluded.document_id, version_id = excluded.version_id,
    language = excluded.language, terms = excluded.terms, grams = excluded.grams
"""
