"""The one statement that finds passages. What may be seen is decided where it is read: by the policies, by
the day, in the snapshot in which everything else is read.

Every passage of every visible version is scored by words and by meaning; letter groups are read for the best
of these, or for all where no word was found. Joins that a planner without statistics would turn into loops in
loops are written so that it cannot, and each step that is asked twice is written down once: the policy of
`app.document` is what costs most where little is visible."""

from __future__ import annotations

from typing import Final

#: The question as one vector a language: each term by its weight and BM25's inverse document frequency, which
#: is never below zero.
_SPARSE: Final = """
('{' || coalesce(string_agg(h.place || ':' || (a.weight * ln(1 + (n.passages - h.passages + 0.5)
  / (h.passages + 0.5)))::real, ',' ORDER BY h.place) FILTER (WHERE a.is_gram = {is_gram}), '')
  || '}/1000000000')::public.sparsevec
"""
_FIND: Final = """
WITH readable AS MATERIALIZED (
  SELECT d.id, d.title, d.kind
  FROM app.document AS d
  WHERE d.deleted_at IS NULL
),
visible AS MATERIALIZED (
  SELECT v.id, v.effective
  FROM app.document_version AS v
  WHERE v.state = 'ready' AND v.effective @> (SELECT app.asked_on())
    AND (v.document_id IN (SELECT d.id FROM readable AS d)) IS TRUE
),
asked AS MATERIALIZED (
  SELECT a.place, a.weight, a.is_gram
  FROM unnest(:places::integer[], :weights::float8[], :are_grams::boolean[]) AS a (place, weight, is_gram)
),
held AS MATERIALIZED (
  SELECT f.language, f.place, f.passages::float8 AS passages
  FROM search.passages_g{number}_df AS f
  WHERE f.tenant_id = (SELECT app.current_tenant()) AND f.language IN ('ja', 'en')
    AND f.place = ANY (:places::integer[] || 0)
),
question AS MATERIALIZED (
  SELECT h.language, {terms} AS terms, {grams} AS grams
  FROM held AS h
  JOIN asked AS a ON a.place = h.place
  JOIN held AS n ON n.language = h.language AND n.place = 0
  GROUP BY h.language
),
scored AS MATERIALIZED (
  SELECT i.key, coalesce(-(i.terms OPERATOR(public.<#>) CASE i.language
           WHEN 'ja' THEN (SELECT q.terms FROM question AS q WHERE q.language = 'ja')
           ELSE (SELECT q.terms FROM question AS q WHERE q.language = 'en') END), 0) AS terms,
         coalesce(-(i.embedding OPERATOR(public.<#>) :vector::public.halfvec), 0) AS dense
  FROM search.passages_g{number} AS i
  WHERE i.tenant_id = (SELECT app.current_tenant())
    AND i.version_id = ANY (ARRAY(SELECT v.id FROM visible AS v))
),
foremost AS MATERIALIZED (
  SELECT count(*) AS passages, nullif(max(s.terms), 0) AS terms,
         CASE WHEN max(s.dense) > 0 THEN max(s.dense) END AS dense
  FROM scored AS s
),
best AS MATERIALIZED (
  SELECT s.key, s.terms, s.dense,
         :terms_weight * coalesce(s.terms / (SELECT l.terms FROM foremost AS l), 0)
         + :dense_weight * coalesce(greatest(s.dense, 0) / (SELECT l.dense FROM foremost AS l), 0) AS score
  FROM scored AS s
  ORDER BY score DESC, s.key
  LIMIT (SELECT CASE WHEN (l.terms IS NULL AND l.dense IS NULL)
                       OR (:terms_weight::float8 = 0 AND :dense_weight::float8 = 0)
                     THEN l.passages ELSE :candidates::bigint END
         FROM foremost AS l)
),
spelled AS MATERIALIZED (
  SELECT b.key, b.terms, b.dense, b.score,
         coalesce(-(i.grams OPERATOR(public.<#>) q.grams), 0) AS grams
  FROM best AS b
  JOIN search.passages_g{number} AS i ON i.tenant_id = (SELECT app.current_tenant()) AND i.key = b.key
  LEFT JOIN question AS q ON q.language = i.language
),
spelling AS MATERIALIZED (
  SELECT nullif(max(s.grams), 0) AS grams FROM spelled AS s
),
fused AS MATERIALIZED (
  SELECT s.key, s.score + :grams_weight * coalesce(s.grams / l.grams, 0) AS score
  FROM spelled AS s CROSS JOIN spelling AS l
  WHERE s.terms > 0 OR s.grams > 0 OR s.dense > 0
  ORDER BY score DESC, s.key
  LIMIT :limit
),
shown AS MATERIALIZED (
  SELECT p.id, p.document_id, p.version_id, p.headings, p.page, p.language, p.start_char, p.end_char, p.body,
         p.body_sha256
  FROM app.document_passage AS p
  WHERE p.id = ANY (ARRAY(SELECT f.key FROM fused AS f))
),
named AS MATERIALIZED (
  SELECT d.id, d.title, d.kind
  FROM readable AS d
  WHERE d.id = ANY (ARRAY(SELECT p.document_id FROM shown AS p))
),
valid AS MATERIALIZED (
  SELECT v.id, v.effective
  FROM visible AS v
  WHERE v.id = ANY (ARRAY(SELECT p.version_id FROM shown AS p))
)
SELECT p.id, p.document_id, p.version_id, d.title, d.kind, p.headings, p.page, p.language, p.start_char,
       p.end_char, p.body, p.body_sha256, f.score, lower(v.effective) AS effective_from,
       upper(v.effective) AS effective_to, (SELECT count(*) FROM visible) AS documents, l.passages,
       l.terms IS NOT NULL AS has_terms, l.dense IS NOT NULL AS has_dense,
       (SELECT g.grams IS NOT NULL FROM spelling AS g) AS has_grams
FROM foremost AS l
LEFT JOIN (fused AS f
           JOIN shown AS p ON p.id = f.key
           JOIN named AS d ON d.id = p.document_id
           JOIN valid AS v ON v.id = p.version_id) ON true
ORDER BY f.score DESC, p.id
"""
_WHOLE: Final = _FIND.replace("{terms}", _SPARSE.replace("{is_gram}", "false")).replace(
    "{grams}", _SPARSE.replace("{is_gram}", "true")
)


def find_in(generation: int) -> str:
    """The statement for a generation; nothing that anybody sent is part of its text."""
    return _WHOLE.replace("{number}", str(generation))
