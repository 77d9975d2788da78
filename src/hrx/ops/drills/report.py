"""What drills say together, beside what is promised: at least 90 % right, at most 3 % wrong blame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hrx.ops.drills.journal import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Counts and shares over outcomes; shares are of all drills."""

    drills: int
    noticed: int
    paged_promised: int
    paged_in_time: int
    right_ratio: float
    wrong_ratio: float
    evidence_ratio: float


def summarise(outcomes: Sequence[Outcome]) -> Summary:
    count = len(outcomes) or 1
    return Summary(
        drills=len(outcomes),
        noticed=sum(one.detect_s is not None for one in outcomes),
        paged_promised=sum(one.is_page_in_time is not None for one in outcomes),
        paged_in_time=sum(one.is_page_in_time is True for one in outcomes),
        right_ratio=sum(one.is_right for one in outcomes) / count,
        wrong_ratio=sum(one.wrong_blame for one in outcomes) / count,
        evidence_ratio=sum(one.evidence_complete for one in outcomes) / count,
    )
