"""Which days nobody tells of after an order is taken back, and whose facts fill them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The days of one row; half-open, `until_on` None without an end."""

    id: int
    from_on: date
    until_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Insert the facts of row `facts_of` for these days; `replaces`: it is closed, being part of them."""

    facts_of: int
    from_on: date
    until_on: date | None
    replaces: bool


def plan_restoration(displaced: Period, known: Sequence[Period]) -> list[Step]:
    """Steps that leave no day of `displaced` without facts.

    A gap goes to the row that ends where it begins, when that row lies within the displaced days: it would
    have gone on. Otherwise the displaced facts come back."""
    steps = []
    for from_on, until_on in _gaps(displaced, known):
        before = next(
            (row for row in known if row.until_on == from_on and row.from_on >= displaced.from_on),
            None,
        )
        if before is None:
            steps.append(Step(facts_of=displaced.id, from_on=from_on, until_on=until_on, replaces=False))
        else:
            steps.append(Step(facts_of=before.id, from_on=before.from_on, until_on=until_on, replaces=True))
    return steps


def _gaps(displaced: Period, known: Sequence[Period]) -> list[tuple[date, date | None]]:
    gaps: list[tuple[date, date | None]] = []
    at: date | None = displaced.from_on
    for row in sorted(known, key=lambda row: row.from_on):
        if at is None or (displaced.until_on is not None and row.from_on >= displaced.until_on):
            break
        if row.until_on is not None and row.until_on <= at:
            continue
        if row.from_on > at:
            gaps.append((at, row.from_on))
        at = row.until_on
    if at is not None and (displaced.until_on is None or at < displaced.until_on):
        gaps.append((at, displaced.until_on))
    return gaps
