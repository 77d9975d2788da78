"""How a model of ours does on what customers have: whether its scores lie as when it was trained, and how
often people agreed with it. Sums over all customers; of none by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.models.drift import TENTHS, population_stability
from hrx.app.people.documents.skills.judging import KNOWN, MODEL, SURE

#: Looked at together. A résumé is scored once by a version, so that a day alone would hold few.
DAYS: Final = 30
#: Below these nothing is said: of a few résumés any distribution is far from another.
LEAST_RESUMES: Final = 20
LEAST_DECISIONS: Final = 20

_SCORES: Final = text(
    "SELECT model_version, tenth, sum(counted)::bigint AS counted"
    " FROM app.tell_scores(now() - make_interval(days => :days)) WHERE model = :model GROUP BY 1, 2"
)
_VERDICTS: Final = text(
    "SELECT model_version, sum(counted)::bigint AS counted, sum(agreed)::bigint AS agreed"
    " FROM app.tell_verdicts(now() - make_interval(days => :days), :sure) WHERE model = :model GROUP BY 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """By version: `drift`: population stability index of the scores against those of its training; above 0.2
    it is worth a look. `accuracy`: how often people decided as it says (0–1). What is too little to be told
    is missing."""

    drift: Mapping[str, float]
    accuracy: Mapping[str, float]


async def watch_model(session: AsyncSession, references: Mapping[str, tuple[int, ...]]) -> Watched:
    """Of the last 30 days, for versions that stand ready. `references`: their tenths at training."""
    found = await session.execute(_SCORES, {"days": DAYS, "model": MODEL})
    tenths = {version: [0] * TENTHS for version in references}
    for row in found:
        if row.model_version in tenths:
            tenths[row.model_version][row.tenth] += row.counted
    verdicts = await session.execute(_VERDICTS, {"days": DAYS, "model": MODEL, "sure": SURE})
    least = LEAST_RESUMES * len(KNOWN)
    return Watched(
        drift={
            version: population_stability(references[version], counts)
            for version, counts in tenths.items()
            if sum(counts) >= least and any(references[version])
        },
        accuracy={
            row.model_version: row.agreed / row.counted
            for row in verdicts
            if row.model_version in references and row.counted >= LEAST_DECISIONS
        },
    )
