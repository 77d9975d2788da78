"""Reading question sets, runs and what came of them; policies leave everything to HR, owners and auditors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.evaluation.measuring import measure
from hrx.app.assistant.evaluation.models import (
    HIT_WITHIN,
    AskedQuestion,
    Before,
    EvaluationFigure,
    Expectation,
    Measure,
    Outcome,
    QuestionNotFound,
    QuestionSetNotFound,
    Run,
    RunNotFound,
    SetResult,
)
from hrx.app.identity.queries import get_user
from hrx.app.platform.db import fetch_dicts
from hrx.app.platform.tenancy import PersonId, Principal, Role, TenantId, UserId
from hrx.kit.errors import Text

#: `Any`: columns differ in type.
Row = dict[str, Any]
#: Runs that the means of "before" are taken of.
COMPARED_RUNS: Final = 10
#: What is shown of a set, of proposals and of a run's worst at once.
MOST_SHOWN: Final = 200

_SETS: Final = """
SELECT s.id, s.name, s.asker_user_id, u.display_name AS asker_name, u.is_active AS asker_is_active,
       s.asks_model, s.is_active, s.created_at,
       (SELECT count(*) FROM app.evaluation_question AS q
        WHERE q.set_id = s.id AND q.state = 'active') AS questions
FROM app.question_set AS s
JOIN app.user_account AS u ON u.id = s.asker_user_id
WHERE CAST(:id AS bigint) IS NULL OR s.id = :id
ORDER BY s.name, s.id
"""
# Index: evaluation_question_of_set (by set), evaluation_question_proposed.
_QUESTIONS: Final = """
SELECT q.id, q.set_id, q.language, q.question, q.expects, q.state, q.source, q.verdict, q.created_at
FROM app.evaluation_question AS q
WHERE (q.set_id = :set_id OR (CAST(:set_id AS bigint) IS NULL AND q.state = 'proposed'))
  AND q.state <> 'retired' AND (CAST(:after AS bigint) IS NULL OR q.id > :after)
ORDER BY q.id
LIMIT :limit
"""
_QUESTION: Final = """
SELECT q.id, q.set_id, q.language, q.question, q.expects, q.state, q.source, q.verdict, q.created_at
FROM app.evaluation_question AS q
WHERE q.id = :id
"""
_EXPECTED: Final = """
SELECT e.question_id, e.document_id, e.quote, d.title
FROM app.evaluation_expectation AS e
JOIN app.document AS d ON d.id = e.document_id
WHERE e.question_id = ANY(CAST(:ids AS bigint[]))
ORDER BY e.question_id, e.id
"""
_ACTIVE: Final = """
SELECT q.id, q.question, q.language, q.expects, s.asker_user_id, s.asks_model
FROM app.evaluation_question AS q
JOIN app.question_set AS s ON s.id = q.set_id AND s.is_active
WHERE q.state = 'active' AND q.id > :after
  AND NOT EXISTS (SELECT FROM app.evaluation_result AS r WHERE r.run_id = :run_id AND r.question_id = q.id)
ORDER BY q.id
LIMIT :limit
"""
_COUNT_ACTIVE: Final = (
    "SELECT count(*) AS questions FROM app.evaluation_question AS q WHERE q.state = 'active'"
)
_RUNS: Final = """
SELECT r.id, r.state, r.cause, r.commit, r.started_at, r.finished_at,
       (SELECT count(*) FROM app.evaluation_result AS x WHERE x.run_id = r.id) AS questions,
       (SELECT count(*) FROM app.evaluation_result AS x
        WHERE x.run_id = r.id AND x.mode = 'failed') AS failed
FROM app.evaluation_run AS r
WHERE (CAST(:id AS bigint) IS NULL OR r.id = :id) AND r.state <> 'abandoned'
ORDER BY r.id DESC
LIMIT :limit
"""
_FIGURES: Final = """
SELECT f.run_id, f.language, f.measure, f.counted, f.value, f.compared, f.lost
FROM app.evaluation_figure AS f
WHERE f.run_id = ANY(CAST(:ids AS bigint[]))
ORDER BY f.run_id, f.language, f.measure
"""
_OUTCOMES: Final = """
SELECT r.question_id, r.language, r.expects, r.place, r.mode, r.problem, r.sentences, r.supported,
       r.latency_ms
FROM app.evaluation_result AS r
WHERE r.run_id = :run_id
ORDER BY r.question_id
"""
_NEWEST: Final = """
SELECT r.id, r.finished_at FROM app.evaluation_run AS r
WHERE r.state = 'done'
ORDER BY r.id DESC
LIMIT 1
"""
# Index: evaluation_result's primary key.
_SETS_ASKED: Final = """
SELECT q.set_id, array_agg(q.id) AS question_ids
FROM app.evaluation_result AS r
JOIN app.evaluation_question AS q ON q.id = r.question_id AND q.state = 'active'
WHERE r.run_id = :run_id
GROUP BY q.set_id
"""
# Means over the last runs that were done before; index: evaluation_result_of_question, its primary key.
_BEFORE: Final = """
SELECT x.question_id,
       avg((coalesce(x.place, 99) <= :within)::int) FILTER (WHERE x.expects = 'found')::float8 AS hit,
       avg(coalesce(1.0 / x.place, 0)) FILTER (WHERE x.expects = 'found')::float8 AS mrr,
       avg((coalesce(x.place, 0) = 1)::int) FILTER (WHERE x.expects = 'found')::float8 AS first,
       avg(x.supported::float8 / x.sentences) FILTER (WHERE x.sentences > 0)::float8 AS supported,
       avg((x.mode = 'not_found')::int) FILTER (WHERE x.expects = 'not_found')::float8 AS not_found
FROM app.evaluation_result AS x
JOIN app.evaluation_question AS q ON q.id = x.question_id AND q.expects = x.expects
WHERE x.mode <> 'failed'
  AND x.run_id IN (SELECT r.id FROM app.evaluation_run AS r
                   WHERE r.state = 'done' AND r.id < :run_id ORDER BY r.id DESC LIMIT :runs)
GROUP BY x.question_id
"""
# The worst first: not asked, not found, answered without an answer, said without a ground, found far down.
_WORST: Final = """
SELECT r.question_id, q.set_id, q.question, r.language, r.expects, r.place, r.mode, r.problem, r.sentences,
       r.supported, r.document_ids[1:3] AS document_ids, r.version_ids[1:3] AS version_ids,
       r.start_chars[1:3] AS start_chars, r.end_chars[1:3] AS end_chars
FROM app.evaluation_result AS r
JOIN app.evaluation_question AS q ON q.id = r.question_id
WHERE r.run_id = :run_id
  AND (r.mode = 'failed' OR (r.expects = 'found' AND (coalesce(r.place, 99) > 1 OR r.mode = 'not_found'))
       OR (r.expects = 'not_found' AND r.mode <> 'not_found') OR r.supported < r.sentences)
ORDER BY CASE WHEN r.mode = 'failed' THEN 0
              WHEN r.expects = 'found' AND r.place IS NULL THEN 1
              WHEN r.expects = 'not_found' AND r.mode <> 'not_found' THEN 2
              WHEN r.supported < r.sentences THEN 3 ELSE 4 END, r.place DESC NULLS FIRST, r.question_id
LIMIT :limit
"""
_CAME: Final = """
SELECT v.id AS version_id, d.id AS document_id, d.title
FROM app.document_version AS v
JOIN app.document AS d ON d.id = v.document_id AND d.deleted_at IS NULL
WHERE v.id = ANY(CAST(:ids AS bigint[]))
"""
# Index: document_passage_of_document.
_CAME_UNDER: Final = """
SELECT p.version_id, p.start_char, p.headings
FROM app.document_passage AS p
WHERE p.document_id = ANY(CAST(:document_ids AS bigint[]))
  AND p.version_id = ANY(CAST(:version_ids AS bigint[]))
  AND p.start_char = ANY(CAST(:start_chars AS integer[]))
"""
# Passages of what is in force: index document_passage_of_document.
_BODIES: Final = """
SELECT p.document_id, p.body
FROM app.document_passage AS p
JOIN app.document_version AS v ON v.id = p.version_id AND v.state IN ('ready', 'replaced')
WHERE p.document_id = ANY(CAST(:ids AS bigint[]))
"""
_UNREAD: Final = """
SELECT v.document_id FROM app.document_version AS v
WHERE v.document_id = ANY(CAST(:ids AS bigint[]))
GROUP BY v.document_id
HAVING bool_or(v.state IN ('waiting', 'reading')) AND NOT bool_or(v.state = 'ready')
"""
_TITLES: Final = """
SELECT d.id, d.title FROM app.document AS d
WHERE d.deleted_at IS NULL AND (d.title = ANY(CAST(:titles AS text[])) OR d.id = ANY(CAST(:ids AS bigint[])))
"""


async def list_sets(session: AsyncSession) -> list[Row]:
    """By name, each with how many questions of it are in force."""
    return await fetch_dicts(session, _SETS, {"id": None})


async def get_set(session: AsyncSession, set_id: int) -> Row:
    """Raises QuestionSetNotFound."""
    rows = await fetch_dicts(session, _SETS, {"id": set_id})
    if not rows:
        raise QuestionSetNotFound(
            Text(ja="この質問集は見つかりません。", en="This question set was not found.")
        )
    return rows[0]


async def list_questions(
    session: AsyncSession, *, set_id: int | None, after: int | None = None, limit: int = MOST_SHOWN
) -> list[Row]:
    """Of a set, or those that people shared and nobody has taken over yet; with what they expect."""
    rows = await fetch_dicts(session, _QUESTIONS, {"set_id": set_id, "after": after, "limit": limit})
    return await _with_expected(session, rows)


async def get_question(session: AsyncSession, question_id: int) -> Row:
    """Raises QuestionNotFound."""
    rows = await fetch_dicts(session, _QUESTION, {"id": question_id})
    if not rows:
        raise QuestionNotFound(Text(ja="この質問は見つかりません。", en="This question was not found."))
    return (await _with_expected(session, rows))[0]


async def count_active(session: AsyncSession) -> int:
    """Questions in force, of all sets."""
    return int((await fetch_dicts(session, _COUNT_ACTIVE, {}))[0]["questions"])


async def list_unasked(session: AsyncSession, run_id: int, *, after: int, limit: int) -> list[AskedQuestion]:
    """Questions in force that a run has no result of yet, from those behind `after` on."""
    rows = await fetch_dicts(session, _ACTIVE, {"run_id": run_id, "after": after, "limit": limit})
    expected = await list_expected(session, [row["id"] for row in rows])
    return [
        AskedQuestion(
            **row,
            expected=tuple(
                Expectation(document_id=one["document_id"], quote=one["quote"]) for one in expected[row["id"]]
            ),
        )
        for row in rows
    ]


async def find_asker(session: AsyncSession, user_id: int, *, tenant_id: TenantId) -> Principal | None:
    """The account as it may act now; None where it may not any more."""
    found = await get_user(session, user_id=user_id)
    if not found.is_active:
        return None
    return Principal(
        tenant_id=tenant_id,
        user_id=UserId(found.id),
        person_id=None if found.person_id is None else PersonId(found.person_id),
        roles=frozenset(Role(one) for one in found.roles),
        locale=found.locale,
    )


async def list_runs(session: AsyncSession, *, limit: int) -> list[Run]:
    """The newest first, with their figures."""
    return await _with_figures(session, await fetch_dicts(session, _RUNS, {"id": None, "limit": limit}))


async def get_run(session: AsyncSession, run_id: int) -> Run:
    """Raises RunNotFound."""
    found = await _with_figures(session, await fetch_dicts(session, _RUNS, {"id": run_id, "limit": 1}))
    if not found:
        raise RunNotFound(Text(ja="この評価は見つかりません。", en="This evaluation was not found."))
    return found[0]


async def list_set_results(session: AsyncSession) -> dict[int, SetResult]:
    """By set, what came of its questions in the newest run that is done; none where it asked none of them."""
    newest = await fetch_dicts(session, _NEWEST, {})
    if not newest:
        return {}
    run_id, finished_at = newest[0]["id"], newest[0]["finished_at"]
    outcomes = {one.question_id: one for one in await list_outcomes(session, run_id)}
    before = await list_before(session, run_id)
    found = {}
    for row in await fetch_dicts(session, _SETS_ASKED, {"run_id": run_id}):
        asked = [outcomes[one] for one in row["question_ids"]]
        found[row["set_id"]] = SetResult(
            run_id=run_id,
            finished_at=finished_at,
            questions=len(asked),
            failed=sum(one.mode == "failed" for one in asked),
            figures=measure(asked, before=before),
        )
    return found


async def list_outcomes(session: AsyncSession, run_id: int) -> list[Outcome]:
    """What came of every question of a run, without the places."""
    return [Outcome(**row) for row in await fetch_dicts(session, _OUTCOMES, {"run_id": run_id})]


async def list_before(session: AsyncSession, run_id: int) -> dict[int, Before]:
    """By question, its means over the runs before this one."""
    rows = await fetch_dicts(
        session, _BEFORE, {"run_id": run_id, "runs": COMPARED_RUNS, "within": HIT_WITHIN}
    )
    return {row["question_id"]: Before(values={one: row[one.value] for one in Measure}) for row in rows}


async def list_worst(session: AsyncSession, run_id: int, *, limit: int = 50) -> list[Row]:
    """Questions that did not go well, the worst first: what was expected, and what came as far as the reader
    may see its document."""
    rows = await fetch_dicts(session, _WORST, {"run_id": run_id, "limit": limit})
    expected = await list_expected(session, [row["question_id"] for row in rows])
    versions = {version for row in rows for version in row["version_ids"]}
    known = {row["version_id"]: row for row in await fetch_dicts(session, _CAME, {"ids": sorted(versions)})}
    under = await _list_came_under(session, rows)
    shown = []
    for row in rows:
        places = zip(
            row.pop("document_ids"),
            row.pop("version_ids"),
            row.pop("start_chars"),
            row.pop("end_chars"),
            strict=True,
        )
        came = [
            {
                "document_id": document_id,
                "version_id": version_id,
                "title": known[version_id]["title"],
                "headings": under.get((version_id, start), []),
                "start_char": start,
                "end_char": end,
            }
            for document_id, version_id, start, end in places
            if version_id in known
        ]
        shown.append({**row, "expected": expected[row["question_id"]], "came": came})
    return shown


async def _list_came_under(session: AsyncSession, rows: Sequence[Row]) -> dict[tuple[int, int], list[str]]:
    """By version and place, the headings that a passage that came stands under."""
    values = {
        name: sorted({one for row in rows for one in row[name]})
        for name in ("document_ids", "version_ids", "start_chars")
    }
    found = await fetch_dicts(session, _CAME_UNDER, values)
    return {(row["version_id"], row["start_char"]): row["headings"] for row in found}


async def list_expected(session: AsyncSession, question_ids: Sequence[int]) -> Mapping[int, list[Row]]:
    """By question, the documents it expects, as far as the reader may see them."""
    found: dict[int, list[Row]] = defaultdict(list)
    for row in await fetch_dicts(session, _EXPECTED, {"ids": list(question_ids)}):
        found[row.pop("question_id")].append(row)
    return found


async def list_bodies(session: AsyncSession, document_ids: Sequence[int]) -> Mapping[int, list[str]]:
    """By document, its passages."""
    found: dict[int, list[str]] = defaultdict(list)
    for row in await fetch_dicts(session, _BODIES, {"ids": list(document_ids)}):
        found[row["document_id"]].append(row["body"])
    return found


async def list_unread(session: AsyncSession, document_ids: Sequence[int]) -> set[int]:
    """Of these documents, those that are still to be read for the first time."""
    rows = await fetch_dicts(session, _UNREAD, {"ids": list(document_ids)})
    return {row["document_id"] for row in rows}


async def list_documents(
    session: AsyncSession, *, titles: Sequence[str] = (), ids: Sequence[int] = ()
) -> list[tuple[int, str]]:
    """Ids and titles of documents that have one of these titles or ids."""
    rows = await fetch_dicts(session, _TITLES, {"titles": list(titles), "ids": list(ids)})
    return [(row["id"], row["title"]) for row in rows]


async def _with_expected(session: AsyncSession, rows: list[Row]) -> list[Row]:
    expected = await list_expected(session, [row["id"] for row in rows])
    return [{**row, "expected": expected[row["id"]]} for row in rows]


async def _with_figures(session: AsyncSession, rows: list[Row]) -> list[Run]:
    figures: dict[int, list[EvaluationFigure]] = defaultdict(list)
    for row in await fetch_dicts(session, _FIGURES, {"ids": [row["id"] for row in rows]}):
        run_id = row.pop("run_id")
        figures[run_id].append(EvaluationFigure(**{**row, "measure": Measure(row["measure"])}))
    return [Run(**row, figures=tuple(figures[row["id"]])) for row in rows]
