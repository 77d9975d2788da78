"""Learning a linear model for each skill, and judging it on texts it has not seen."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from hrx.app.models.features import find_features, rank_matches
from hrx.app.models.lexicon import SKILLS, VOCABULARY
from hrx.app.models.training.texts import Example, Person, make_person

_STEPS: Final = 600
_RATE: Final = 10.0
_DECAY: Final = 1e-4
_SURE: Final = 0.5
#: What a ranking must not move by, and who the person becomes.
SWAPS: Final = ("name", "gender", "age", "address")
_ROLES: Final = 16
_CROWD: Final = 40


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights (words × skills) and offsets. `Any`: arrays of numpy."""

    weights: Any
    offsets: Any

    def score(self, rows: Any) -> Any:
        """Scores by skill (0–1), one row for each row of features."""
        return _sigmoid(rows @ self.weights + self.offsets)


def fit(examples: Sequence[Example]) -> Fitted:
    """Logistic regression by plain gradient descent; the same texts give the same weights."""
    rows, wanted = rows_of(examples), _wanted(examples)
    weights = np.zeros((len(VOCABULARY), len(SKILLS)))
    offsets = np.full(len(SKILLS), -2.0)
    for _ in range(_STEPS):
        away = (_sigmoid(rows @ weights + offsets) - wanted) / len(rows)
        weights -= _RATE * (rows.T @ away + _DECAY * weights)
        offsets -= _RATE * away.sum(axis=0)
    return Fitted(weights.astype(np.float32), offsets.astype(np.float32))


def measure(fitted: Fitted, examples: Sequence[Example]) -> dict[str, float]:
    """F1 over all skills beside that of taking every word of the list for its skill, and the swaps."""
    wanted = _wanted(examples)
    rows = rows_of(examples)
    return {
        "f1": _f1(fitted.score(rows) >= _SURE, wanted),
        "f1_of_word_list": _f1(rows @ _membership() > 0, wanted),
        **{f"rank_changes_{name}": float(count_rank_changes(fitted, examples, name)) for name in SWAPS},
    }


def count_rank_changes(fitted: Fitted, examples: Sequence[Example], swapped: str, *, seed: int = 7) -> int:
    """How many of 16 rankings of 40 people differ when everybody gets another name (or sex, age, home)."""
    rng = random.Random(seed)  # noqa: S311 - whom to swap, not a secret
    crowd = list(examples[:_CROWD])
    others = [_swap(one, swapped, make_person(rng)) for one in crowd]
    before, after = fitted.score(rows_of(crowd)).tolist(), fitted.score(rows_of(others)).tolist()
    roles = np.eye(len(SKILLS))[:_ROLES].tolist()
    return sum(rank_matches(before, role) != rank_matches(after, role) for role in roles)


def rows_of(examples: Sequence[Example]) -> Any:
    """Features of each, as a record that knows the person would have them counted."""
    counted = [find_features(one.text, one.person.protected) for one in examples]
    return np.asarray(counted, dtype=np.float32)


def _swap(example: Example, what: str, other: Person) -> Example:
    return replace(example, person=replace(example.person, **{what: getattr(other, what)}))


def _wanted(examples: Sequence[Example]) -> Any:
    found: Any = np.zeros((len(examples), len(SKILLS)), dtype=np.float32)
    for at, one in enumerate(examples):
        found[at, sorted(one.skills)] = 1.0
    return found


def _membership() -> Any:
    return np.asarray(
        [[float(word in (*one.terms, *one.hints)) for one in SKILLS] for word in VOCABULARY], dtype=np.float32
    )


def _f1(found: Any, wanted: Any) -> float:
    hits = float((found * wanted).sum())
    return 2 * hits / float(found.sum() + wanted.sum())


def _sigmoid(values: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-values))
