"""The drills: every fault with its last result beside the promise, and how the last results went before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from hrx.kit.errors import Text
from hrx.ops.console.desk import Visit, needs
from hrx.ops.drills.experiments import Experiment, load_experiments
from hrx.ops.drills.journal import Outcome, last_by_drill, list_outcomes
from hrx.ops.drills.recovery.experiments import RecoveryExperiment, load_recovery_experiments
from hrx.ops.drills.recovery.outcomes import RecoveryOutcome, list_recovery_outcomes
from hrx.ops.drills.release.experiments import ReleaseExperiment, load_release_experiments
from hrx.ops.drills.release.figures import show_figures
from hrx.ops.drills.release.outcomes import ReleaseOutcome, list_release_outcomes
from hrx.ops.drills.report import summarise
from hrx.ops.operators.roles import Permission

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
_TREND: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One drill as a line of the page; `trend` are seconds to notice, the oldest first."""

    experiment: Experiment
    last: Outcome | None
    trend: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One recovery drill as a line of the page."""

    experiment: RecoveryExperiment
    last: RecoveryOutcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    """One release drill as a line of the page; `figures` in words."""

    experiment: ReleaseExperiment
    last: ReleaseOutcome | None
    figures: Text | None


@router.get("/drills")
def show_drills(visit: Looker) -> Response:
    plane = visit.desk.plane
    outcomes = list_outcomes(plane.ledger)
    experiments = load_experiments(plane.settings.runbook_dir.parent / "drills")
    rows = sorted((_row(one, outcomes) for one in experiments), key=lambda row: row.experiment.expects.sop)
    last = list(last_by_drill(outcomes).values())
    causes = {cause.id: cause.title for sop in plane.content.sops for cause in sop.causes}
    last_losses = last_by_drill(list_recovery_outcomes(plane.ledger))
    losses = [
        Loss(experiment=one, last=last_losses.get(one.id))
        for one in load_recovery_experiments(plane.settings.runbook_dir.parent / "drills")
    ]
    return visit.page(
        "drills.html",
        rows=rows,
        summary=summarise(last),
        causes=causes,
        losses=losses,
        shippings=_list_shippings(visit),
    )


def _list_shippings(visit: Visit) -> list[Shipping]:
    plane = visit.desk.plane
    last = last_by_drill(list_release_outcomes(plane.ledger))
    known = load_release_experiments(plane.settings.runbook_dir.parent / "drills")
    return [
        Shipping(
            experiment=one,
            last=last.get(one.id),
            figures=show_figures(last[one.id].figures) if one.id in last else None,
        )
        for one in known
    ]


def _row(experiment: Experiment, outcomes: Sequence[Outcome]) -> Row:
    mine = [one for one in outcomes if one.drill == experiment.id][:_TREND]
    return Row(
        experiment=experiment,
        last=mine[0] if mine else None,
        trend=tuple(one.detect_s for one in reversed(mine)),
    )
