"""How often the roll-back planner is wrong: every answer on made-up companies is tried by an oracle that
shares no rule with it.

A plan is wrong when something breaks after one of its steps that was not broken before, when values are gone
that it did not declare, or when open pages break without a word. A refusal is false when some order of all
(brute force) breaks and loses nothing."""

from __future__ import annotations

import time
from typing import Final

from benchmarks.figures import Aim, Figure, Section
from tests.ops.release.making import make_company
from tests.ops.release.matrix import Tally, try_company

_NONE: Final = Aim(bound=0, is_lower_bound=False)
_FEW: Final = Aim(bound=5, is_lower_bound=False, unit="%")
#: What the store knows: the pipeline's full records, records without tests of older code, and nothing.
_WORLDS: Final = (
    ("use recorded, older code tested on newer tables", True, True),
    ("use recorded only", True, False),
    ("nothing recorded", False, False),
)


def measure_rollback_plans(*, companies: int, releases: int = 8) -> list[Section]:
    """One section for each state of knowledge; the same companies in each."""
    return [
        _measure(name, is_watched=is_watched, with_proofs=with_proofs, companies=companies, releases=releases)
        for name, is_watched, with_proofs in _WORLDS
    ]


def _measure(name: str, *, is_watched: bool, with_proofs: bool, companies: int, releases: int) -> Section:
    tally = Tally()
    schemas: list[int] = []
    started = time.perf_counter()
    for seed in range(companies):
        company = make_company(seed, releases=releases)
        schemas.append(len(company.ops) + 1)
        try_company(company, tally, is_watched=is_watched, with_proofs=with_proofs)
    # Without records the safe side costs roll-backs: no aim is set for it.
    aim = _FEW if is_watched else None
    return Section(
        name=f"rollback plans: {name}",
        notes=(
            f"{companies} companies of {releases} releases on {min(schemas)} to {max(schemas)} schemas, "
            f"{tally.asked:,} questions, {time.perf_counter() - started:,.0f} s.",
            *(f"Safe and refused: {count:,} × {why}." for why, count in tally.classes.most_common()),
        ),
        figures=[
            Figure(
                what="unsafe plans called safe",
                value=len(tally.wrong),
                unit="plans",
                aim=_NONE,
                raw={"wrong": tally.wrong},
            ),
            Figure(what="safe ones refused", value=100 * tally.refused_ratio, unit="%", aim=aim),
            Figure(what="plans made", value=tally.planned, unit="plans"),
            Figure(what="refused, and rightly", value=tally.asked - tally.safe, unit="questions"),
        ],
    )
