"""The one statement that finds passages. What may be seen is decided where it is read: by the policies, by the
day, in the snapshot in which everything else is read.

Exact: every passage of every visible version is scored. How rare a term is, is counted over exactly these
versions, so that a document that the asker may not read changes neither scores nor order."""

from __future__ import annotations

from typing import Final

#: How much a hit of the rarest term counts is BM25's inverse document frequency, never below zero.
_SPARSE: Final = """
('{' || coalesce(string_agg(h.place || ':' || (a.weight * ln(1 + (n.passages - h.passages + 0.5)
  / (h.passages + 0.5)))::real, ',' ORDER BY h.place) FILTER (WHERE a.is_gram = {is_gram}), '')
  || '}/1000000000')::public.sparsevec
"""
FIND: Final = (
    """
WITH visible AS MATERIALIZED (
  SELECT v.id, v.effective, d.title, d.kind
  FROM app.document_version AS v
  JOIN app.document AS d ON d.id = v.document_id
  WHERE v.state = 'ready' AND v.effective @> (SELECT app.asked_on()) AND d.deleted_at IS NULL
),
asked AS MATERIALIZED (
  SELECT a.place, a.weight, a.is_gram
  FROM unnest(:places::integer[], :weights::float8[], :are_grams::boolean[]) AS a (place, weight, is_gram)
),
held AS MATERIALIZED (
  SELECT f.language, f.place, sum(f.passages)::float8 AS passages
  FROM search.passages_g{number}_df AS f
  WHERE f.tenant_id = (SELECT app.current_tenant()) AND f.place = ANY (:places::integer[] || 0)
    AND f.version_id IN (SELECT v.id FROM visible AS v)
  GROUP BY f.language, f.place
),
question AS MATERIALIZED (
  SELECT h.language, {terms} AS terms, {grams} AS grams
  FROM held AS h
  JOIN asked AS a ON a.place = h.place
  JOIN held AS n ON n.language = h.language AND n.place = 0
  GROUP BY h.language
),
scored AS MATERIALIZED (
  SELECT i.key, coalesce(-(i.terms OPERATOR(public.<#>) q.terms), 0) AS terms,
         coalesce(-(i.grams OPERATOR(public.<#>) q.grams), 0) AS grams,
         coalesce(-(i.embedding OPERATOR(public.<#>) :vector::public.halfvec), 0) AS dense
  FROM search.passages_g{number} AS i
  JOIN visible AS v ON v.id = i.version_id
  LEFT JOIN question AS q ON q.language = i.language
  WHERE i.tenant_id = (SELECT app.current_tenant())
),
best AS (
  SELECT nullif(max(s.terms), 0) AS terms, nullif(max(s.grams), 0) AS grams,
         CASE WHEN max(s.dense) > 0 THEN max(s.dense) END AS dense
  FROM scored AS s
),
fused AS (
  SELECT s.key, :terms_weight * coalesce(s.terms / b.terms, 0)
                + :grams_weight * coalesce(s.grams / b.grams, 0)
                + :dense_weight * coalesce(greatest(s.dense, 0) / b.dense, 0) AS score
  FROM scored AS s CROSS JOIN best AS b
  WHERE s.terms > 0 OR s.grams > 0 OR s.dense > 0
  ORDER BY score DESC, s.key
  LIMIT :limit
)
SELECT p.id, p.document_id, p.version_id, v.title, v.kind, p.headings, p.page, p.language, p.start_char,
       p.end_char, p.body, p.body_sha256, f.score, lower(v.effective) AS effective_from,
       upper(v.effective) AS effective_to, t.documents, t.passages,
       b.terms IS NOT NULL AS has_terms, b.grams IS NOT NULL AS has_grams, b.dense IS NOT NULL AS has_dense
FROM (SELECT (SELECT count(*) FROM visible) AS documents,
             (SELECT coalesce(sum(h.passages), 0) FROM held AS h WHERE h.place = 0)::bigint AS passages) AS t
CROSS JOIN best AS b
LEFT JOIN (fused AS f
           JOIN app.document_passage AS p ON p.id = f.key
           JOIN visible AS v ON v.id = p.version_id) ON true
ORDER BY f.score DESC, p.id
"""
).replace("{terms}", _SPARSE.replace("{is_gram}", "false")).replace("{grams}", _SPARSE.replace("{is_gram}", "true"))


def find_in(generation: int) -> str:
    """The statement for a generation; nothing that anybody sent is part of its text."""
    return FIND.replace("{number}", str(generation))
