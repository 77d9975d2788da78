"""What the live model says of texts, and why: each word's weight is what the answer loses without it.

The model is asked outside of any transaction and never sees a text: only which words of a closed list stand
in it, after what tells who somebody is was taken out. Nothing of its inside is known here, so that any model
that takes these features can be asked why."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hrx.app.models import features
from hrx.app.models.client import Scores, ScoringClient
from hrx.app.models.lexicon import SKILLS

MODEL: Final = "skills"
#: Where the model's F1 was measured (app/models/training/fitting.py); below it a skill is not shown.
SURE: Final = 0.5
#: Skills by their id.
KNOWN: Final = {one.id: one for one in SKILLS}
#: Words told for one score; a tenth of a unit of log-odds moves 0.50 to 0.52.
MOST_WORDS: Final = 8
LEAST_WEIGHT: Final = 0.1
#: Places told for one word: nobody looks at more.
MOST_PLACES: Final = 20
#: Scores are float32: nearer to 0 or 1 the log-odds would be noise.
_EDGE: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A text, and the words in it that tell who somebody is: no sign of a skill, whatever they spell."""

    body: str
    protected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """`weight`: log-odds that the score loses without the word; below 0 the word speaks against it.
    `places`: (start, end) in the text, in characters."""

    word: str
    weight: float
    places: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """`score` of one label (0–1), and the words it rests on, the heaviest first."""

    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one version of the model says of some texts, in their order, each by label."""

    version: str
    sha256: str | None
    is_shadow: bool
    texts: tuple[Mapping[str, Said], ...]


async def find_version(scoring: ScoringClient, *, is_shadow: bool = False) -> str:
    """The version that answers now. Raises as `judge` does."""
    return (await judge(scoring, [Shown(body="")], is_shadow=is_shadow)).version


async def judge(scoring: ScoringClient, shown: Sequence[Shown], *, is_shadow: bool = False) -> Judged:
    """What the live model says of each, all by one version. No texts are no question: raises ValueError.

    Costs about 10 ms of a thread for a thousand characters. Raises ScoringAway, Unavailable with the reason
    of the part that scores, Refused when the live model was trained with other features or, of the shadow,
    when there is none."""
    words = await asyncio.to_thread(_find_words, shown)
    rows = [row for held in words for row in _rows_of(held)]
    scores = await scoring.score(rows, model=MODEL, features=features.VERSION, is_shadow=is_shadow)
    texts: list[Mapping[str, Said]] = []
    at = 0
    for held in words:
        texts.append(_explain(scores, held, at))
        at += 1 + len(held)
    return Judged(version=scores.version, sha256=scores.sha256, is_shadow=is_shadow, texts=tuple(texts))


_Words = dict[str, list[tuple[int, int]]]


def _find_words(shown: Sequence[Shown]) -> list[_Words]:
    return [features.find_words(one.body, one.protected) for one in shown]


def _rows_of(held: _Words) -> list[list[float]]:
    """The text as it is, then without each of its words."""
    return [features.row_of(held), *(features.row_of(held.keys() - {word}) for word in held)]


def _explain(scores: Scores, held: _Words, at: int) -> dict[str, Said]:
    said = {}
    for column, label in enumerate(scores.labels):
        score = scores.rows[at][column]
        weights = {
            word: _log_odds(score) - _log_odds(scores.rows[at + number][column])
            for number, word in enumerate(held, start=1)
        }
        heavy = sorted(
            (word for word, weight in weights.items() if abs(weight) >= LEAST_WEIGHT),
            key=lambda word: (-abs(weights[word]), word),
        )
        said[label] = Said(
            score=round(score, 4),
            reasons=tuple(
                Reason(word=word, weight=round(weights[word], 2), places=tuple(held[word][:MOST_PLACES]))
                for word in heavy[:MOST_WORDS]
            ),
        )
    return said


def _log_odds(score: float) -> float:
    held = min(max(score, _EDGE), 1 - _EDGE)
    return math.log(held / (1 - held))
