"""What a role asks for, and how well skills match it. Pure; it knows nothing of anybody but skills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hrx.app.models.features import rank_matches
from hrx.app.people.documents.skills.judging import KNOWN, SURE


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One skill of a match. `asked`: how much the role asks for it, `shown`: how sure the model is that the
    résumé shows it (each 0–1), `share`: what that adds to the match."""

    skill: str
    asked: float
    shown: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """`score`: 1 when everything that is asked for is shown for sure, 0 when nothing is."""

    score: float
    shares: tuple[Share, ...]


def weigh_skills(scores: Mapping[str, float], *, required: Sequence[str]) -> dict[str, float]:
    """How much a role asks for each skill: wholly for what is required, else as sure as the model is that its
    text speaks of it. Skills that it is not sure of count nothing, or noise would add up."""
    weights = {skill: 1.0 if skill in required else scores.get(skill, 0.0) for skill in KNOWN}
    return {skill: round(weight, 4) for skill, weight in weights.items() if weight >= SURE}


def match_skills(asked: Mapping[str, float], shown: Mapping[str, float]) -> Match:
    """How well what a résumé shows matches; `asked` is not empty. The largest shares come first."""
    total = sum(asked.values())
    shares = [
        Share(
            skill=skill,
            asked=weight,
            shown=shown.get(skill, 0.0),
            share=round(weight * shown.get(skill, 0.0) / total, 4),
        )
        for skill, weight in asked.items()
    ]
    score = sum(one.asked * one.shown for one in shares) / total
    return Match(score=round(min(score, 1.0), 4), shares=tuple(sorted(shares, key=lambda one: -one.share)))


def rank(scores: Sequence[float]) -> list[tuple[int, int]]:
    """(index, place), the best first; equal scores share a place and keep the order in which they came."""
    order = rank_matches([[one] for one in scores], [1.0])
    places: list[tuple[int, int]] = []
    for number, at in enumerate(order, start=1):
        is_equal = bool(places) and scores[places[-1][0]] == scores[at]
        places.append((at, places[-1][1] if is_equal else number))
    return places
