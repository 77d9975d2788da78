"""A run from its beginning to its figures. Every step is a transaction of its own and may be done twice: a
run that was killed goes on where it stood, and two jobs on one run write no result twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.evaluation import queries
from hrx.app.assistant.evaluation.measuring import measure
from hrx.app.assistant.evaluation.models import Cause, EvaluationFigure, Outcome
from hrx.app.platform import audit
from hrx.app.platform.db import fetch_dicts, send

#: A run that was begun by the same code is gone on with until then; later, documents are others.
GOES_ON_FOR: Final = timedelta(hours=6)
#: A job that is run again after its run was done begins no other one.
DONE_WITHIN: Final[Mapping[Cause, timedelta]] = {
    "nightly": timedelta(hours=6),
    "release": timedelta(hours=6),
    "asked": timedelta(seconds=10),
}
#: Runs are kept for a year and some: a trend compares with last year's.
KEPT_FOR: Final = timedelta(days=400)

_DONE: Final = """
SELECT r.id FROM app.evaluation_run AS r
WHERE r.state = 'done' AND r.cause = :cause AND r.commit = :commit
  AND r.finished_at > now() - CAST(:within AS interval)
LIMIT 1
"""
_ABANDON: Final = """
UPDATE app.evaluation_run SET state = 'abandoned', finished_at = now()
WHERE state = 'running' AND (commit <> :commit OR started_at < now() - CAST(:goes_on_for AS interval))
"""
_BEGIN: Final = """
INSERT INTO app.evaluation_run (cause, commit)
SELECT :cause, :commit
WHERE EXISTS (SELECT FROM app.evaluation_question AS q
              JOIN app.question_set AS s ON s.id = q.set_id AND s.is_active
              WHERE q.state = 'active')
ON CONFLICT (tenant_id) WHERE state = 'running' DO NOTHING
"""
_RUNNING: Final = "SELECT r.id FROM app.evaluation_run AS r WHERE r.state = 'running'"
_RESULT: Final = """
INSERT INTO app.evaluation_result
  (run_id, question_id, language, expects, place, mode, problem, sentences, supported, latency_ms,
   document_ids, version_ids, start_chars, end_chars)
SELECT :run_id, q.id, :language, :expects, :place, :mode, :problem, :sentences, :supported, :latency_ms,
       CAST(:document_ids AS bigint[]), CAST(:version_ids AS bigint[]), CAST(:start_chars AS integer[]),
       CAST(:end_chars AS integer[])
FROM app.evaluation_question AS q
JOIN app.evaluation_run AS r ON r.id = :run_id AND r.state = 'running'
WHERE q.id = :question_id
ON CONFLICT (run_id, question_id) DO NOTHING
"""
_FINISH: Final = """
UPDATE app.evaluation_run SET state = 'done', finished_at = now() WHERE id = :run_id AND state = 'running'
RETURNING cause
"""
_FIGURE: Final = """
INSERT INTO app.evaluation_figure (run_id, language, measure, counted, value, compared, lost)
VALUES (:run_id, :language, :measure, :counted, :value, :compared, :lost)
"""
_FORGET: Final = "DELETE FROM app.evaluation_run WHERE started_at < now() - CAST(:kept_for AS interval)"


async def begin_run(session: AsyncSession, *, cause: Cause, commit: str) -> int | None:
    """The run to go on with, or a new one; None where there is nothing to ask or it was done just now."""
    values = {"cause": cause, "commit": commit, "within": DONE_WITHIN[cause]}
    await send(session, _ABANDON, {"commit": commit, "goes_on_for": GOES_ON_FOR})
    if await fetch_dicts(session, _DONE, values):
        return None
    await send(session, _BEGIN, {"cause": cause, "commit": commit})
    rows = await fetch_dicts(session, _RUNNING, {})
    return int(rows[0]["id"]) if rows else None


async def keep_outcome(session: AsyncSession, run_id: int, outcome: Outcome) -> None:
    """Once; nothing where the question, or the run, is gone meanwhile."""
    await send(
        session,
        _RESULT,
        {
            "run_id": run_id,
            "question_id": outcome.question_id,
            "language": outcome.language,
            "expects": outcome.expects,
            "place": outcome.place,
            "mode": outcome.mode,
            "problem": outcome.problem,
            "sentences": outcome.sentences,
            "supported": outcome.supported,
            "latency_ms": outcome.latency_ms,
            "document_ids": [one.document_id for one in outcome.came],
            "version_ids": [one.version_id for one in outcome.came],
            "start_chars": [one.start_char for one in outcome.came],
            "end_chars": [one.end_char for one in outcome.came],
        },
    )


async def finish_run(session: AsyncSession, run_id: int) -> tuple[EvaluationFigure, ...]:
    """Its figures, written down once; none where somebody else finished it."""
    rows = await fetch_dicts(session, _FINISH, {"run_id": run_id})
    if not rows:
        return ()
    outcomes = await queries.list_outcomes(session, run_id)
    figures = measure(outcomes, before=await queries.list_before(session, run_id))
    if figures:
        await session.execute(
            text(_FIGURE),
            [
                {
                    "run_id": run_id,
                    "language": one.language,
                    "measure": one.measure.value,
                    "counted": one.counted,
                    "value": one.value,
                    "compared": one.compared,
                    "lost": one.lost,
                }
                for one in figures
            ],
        )
    await send(session, _FORGET, {"kept_for": KEPT_FOR})
    details = {"run_id": run_id, "cause": rows[0]["cause"], "questions": len(outcomes)}
    await audit.record(session, action="assistant.evaluated", details=details)
    return figures
