"""Which résumés match a role, by the version of the model that is live: scored where they were not, ranked,
kept as rows.

Candidates are the résumés in force that the asker may see, of people who work here today or who applied.
A model is asked outside of any transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.models.client import ScoringClient, away
from hrx.app.people.documents.skills.judging import MODEL, Judged, Shown, judge
from hrx.app.people.documents.skills.keeping import keep_scores, list_scores
from hrx.app.people.documents.skills.reading import count_unscored, list_in_force, list_unscored
from hrx.app.people.matching.ranking import Match, match_skills, rank, weigh_skills
from hrx.app.people.matching.roles import get_role
from hrx.app.platform import audit

#: Résumés of one ranking, the newest; more are told as left out.
MOST_CANDIDATES: Final = 1_000
#: Shown of one ranking, the best.
MOST_SHOWN: Final = 50
#: Scored while somebody waits, a second or so; the others wait for the job of every ten minutes.
SCORED_AT_ONCE: Final = 40
#: A list that was scored by two versions is scored anew.
_TRIES: Final = 3
LABEL: Final = "match"

#: A transaction of the asker, opened and ended by the caller's means.
Open = Callable[[], AbstractAsyncContextManager[AsyncSession]]

# Index: model_score_once.
_KEEP: Final = text(
    "INSERT INTO app.model_score (model, model_version, model_sha256, document_id, version_id, role_id,"
    "  label, score, reasons)"
    " SELECT :model, :model_version, :model_sha256, each.document_id, each.version_id, :role_id, :label,"
    "  each.score, each.reasons"
    " FROM jsonb_to_recordset(CAST(:rows AS jsonb))"
    "  AS each (document_id bigint, version_id bigint, score float8, reasons jsonb)"
    " JOIN app.document AS d ON d.id = each.document_id AND d.deleted_at IS NULL"
    " ON CONFLICT DO NOTHING"
)
# A decision on the same résumé for the same role counts, also when an earlier model had scored it.
_LIST: Final = text(
    "SELECT s.id, s.version_id, s.score, s.reasons, c.verdict, c.decided_at FROM app.model_score AS s"
    " LEFT JOIN LATERAL ("
    "  SELECT c.verdict, c.decided_at FROM app.model_score AS o"
    "  JOIN app.score_decision AS c ON c.score_id = o.id"
    "  WHERE o.version_id = s.version_id AND o.role_id = s.role_id"
    "  ORDER BY c.id DESC LIMIT 1) AS c ON true"
    " WHERE s.version_id = ANY(:versions) AND s.role_id = :role_id AND s.model_version = :model_version"
    " AND NOT s.is_shadow"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """`place` counts from 1, equals share one. `resume`: as `list_in_force` has it. `kept`: the row of the
    score with its decision. `skills`: rows of the skills that the role asks for, by skill."""

    place: int
    resume: RowMapping
    kept: RowMapping
    skills: Mapping[str, RowMapping]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """`asked`: how much of each skill the role asks for; empty when its text speaks of none that the model
    knows. `counted` people were ranked; `waiting` résumés have no scores yet; `is_cut`: older ones were left
    out."""

    role: RowMapping
    model_version: str
    asked: Mapping[str, float]
    candidates: Sequence[Candidate]
    counted: int
    waiting: int
    is_cut: bool


async def rank_candidates(open_session: Open, scoring: ScoringClient, *, role_id: int) -> Ranking:
    """The ranking of today. Raises RoleNotFound, ScoringAway, Unavailable with the reason of the part that
    scores, Refused when the live model was trained with other features."""
    async with open_session() as session:
        role = await get_role(session, role_id=role_id)
    for _ in range(_TRIES):
        judged = await judge(scoring, [Shown(body=f"{role['title']}\n{role['description']}")])
        async with open_session() as session:
            resumes = await list_unscored(session, model_version=judged.version, limit=SCORED_AT_ONCE)
        scored = await judge(scoring, [one.shown for one in resumes]) if resumes else judged
        if scored.version != judged.version:
            continue
        async with open_session() as session:
            if resumes:
                await keep_scores(session, scored, resumes)
            return await _rank(session, role_id=role_id, judged=judged)
    raise away()


async def _rank(session: AsyncSession, *, role_id: int, judged: Judged) -> Ranking:
    role = await get_role(session, role_id=role_id)
    said = {label: one.score for label, one in judged.texts[0].items()}
    asked = weigh_skills(said, required=role["skills"])
    found = await list_in_force(session, limit=MOST_CANDIDATES + 1)
    resumes = found[:MOST_CANDIDATES]
    skills = await _skills_of(session, resumes, model_version=judged.version)
    candidates: list[Candidate] = []
    counted = 0
    if asked:
        ranked = [one for one in resumes if one["version_id"] in skills]
        matches = [match_skills(asked, _scores(skills[one["version_id"]])) for one in ranked]
        ranked, matches = _one_each(ranked, matches)
        counted = len(ranked)
        await _keep(session, ranked, matches, role_id=role_id, judged=judged)
        best = rank([one.score for one in matches])[:MOST_SHOWN]
        kept = await _list(session, [ranked[at] for at, _ in best], role_id=role_id, judged=judged)
        candidates = [
            Candidate(
                place=place,
                resume=ranked[at],
                kept=kept[ranked[at]["version_id"]],
                skills={skill: skills[ranked[at]["version_id"]][skill] for skill in asked},
            )
            for at, place in best
            # Deleted since the statement before: nothing was kept of it.
            if ranked[at]["version_id"] in kept
        ]
        await _note_readers(session, candidates, role_id=role_id)
    return Ranking(
        role=role,
        model_version=judged.version,
        asked=asked,
        candidates=candidates,
        counted=counted,
        waiting=await count_unscored(session, model_version=judged.version),
        is_cut=len(found) > MOST_CANDIDATES,
    )


def _one_each(
    resumes: Sequence[RowMapping], matches: Sequence[Match]
) -> tuple[list[RowMapping], list[Match]]:
    """Of somebody with several documents the one that matches best; the newer of two that match alike."""
    best: dict[object, int] = {}
    for at, one in enumerate(resumes):
        who = ("person", one["person_id"]) if one["person_id"] else ("document", one["document_id"])
        if who not in best or matches[at].score > matches[best[who]].score:
            best[who] = at
    kept = sorted(best.values())
    return [resumes[at] for at in kept], [matches[at] for at in kept]


_Skills = dict[int, dict[str, RowMapping]]


async def _skills_of(session: AsyncSession, resumes: Sequence[RowMapping], *, model_version: str) -> _Skills:
    rows = await list_scores(
        session, version_ids=[one["version_id"] for one in resumes], model_version=model_version
    )
    found: _Skills = {}
    for row in rows:
        found.setdefault(row["version_id"], {})[row["label"]] = row
    return found


def _scores(skills: Mapping[str, RowMapping]) -> dict[str, float]:
    return {skill: row["score"] for skill, row in skills.items()}


async def _keep(
    session: AsyncSession,
    resumes: Sequence[RowMapping],
    matches: Sequence[Match],
    *,
    role_id: int,
    judged: Judged,
) -> None:
    rows: list[dict[str, Any]] = [
        {
            "document_id": resume["document_id"],
            "version_id": resume["version_id"],
            "score": match.score,
            "reasons": [asdict(one) for one in match.shares],
        }
        for resume, match in zip(resumes, matches, strict=True)
    ]
    await session.execute(
        _KEEP,
        {
            "model": MODEL,
            "model_version": judged.version,
            "model_sha256": judged.sha256,
            "role_id": role_id,
            "label": LABEL,
            "rows": orjson.dumps(rows).decode(),
        },
    )


async def _list(
    session: AsyncSession, resumes: Sequence[RowMapping], *, role_id: int, judged: Judged
) -> dict[int, RowMapping]:
    found = await session.execute(
        _LIST,
        {
            "versions": [one["version_id"] for one in resumes],
            "role_id": role_id,
            "model_version": judged.version,
        },
    )
    return {row["version_id"]: row for row in found.mappings()}


async def _note_readers(session: AsyncSession, candidates: Sequence[Candidate], *, role_id: int) -> None:
    """What somebody's own document shows was read by the asker."""
    for one in candidates:
        if one.resume["audience"] == "person":
            await audit.record(
                session,
                action="document.matched",
                subject_person_id=one.resume["person_id"],
                details={
                    "document_id": one.resume["document_id"],
                    "version_id": one.resume["version_id"],
                    "role_id": role_id,
                },
            )
