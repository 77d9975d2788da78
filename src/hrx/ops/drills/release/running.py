"""One release drill to its evidence, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.ops.drills.journal import STARTED, Journal
from hrx.ops.drills.release import going_back, shipping
from hrx.ops.drills.release.experiments import ReleaseExperiment
from hrx.ops.drills.release.full_disk import build_on_full_disk
from hrx.ops.drills.release.outcomes import ReleaseOutcome, write_outcome
from hrx.ops.drills.release.shipping import ensure_live
from hrx.ops.drills.release.stack import Stack
from hrx.ops.drills.release.watching import Watch
from hrx.ops.targets.machine.layout import Layout

#: What an experiment's `func` names: on a whole stack that is up …
ON_STACK: Final[Mapping[str, Callable[[Stack, Watch], None]]] = {
    "release.deploy-under-load": shipping.deploy_under_load,
    "release.ship-broken": shipping.ship_broken,
    "release.kill-deployer": shipping.kill_deployer,
    "release.kill-edge": shipping.kill_edge,
    "release.ship-twice": shipping.ship_twice,
    "release.go-back-warm": going_back.go_back_warm,
    "release.go-back-cold": going_back.go_back_cold,
}
#: … and on an empty folder.
ON_FOLDER: Final[Mapping[str, Callable[[Layout, Watch], None]]] = {
    "release.build-on-full-disk": build_on_full_disk,
}


def needs_stack(experiment: ReleaseExperiment) -> bool:
    return experiment.func in ON_STACK


def run_release_drill(
    machine: Layout, stack: Stack | None, experiment: ReleaseExperiment, *, journal: Journal
) -> ReleaseOutcome:
    """Measured and on record, also when it went wrong: then `problem` says how. `stack` as `needs_stack`
    says."""
    at, watch, problem = clock.now(), Watch(), None
    journal.write(STARTED, {"func": experiment.func})
    try:
        if stack is not None and needs_stack(experiment):
            ensure_live(stack)
            ON_STACK[experiment.func](stack, watch)
        else:
            ON_FOLDER[experiment.func](machine, watch)
    except HrxError as error:
        problem = error.message.en
    found = ReleaseOutcome(
        run_id=journal.run_id,
        drill=experiment.id,
        at=at,
        figures=watch.figures,
        limits=experiment.limits,
        left=tuple(watch.left),
        said=tuple(watch.said),
        problem=problem,
    )
    return replace(found, evidence_seq=write_outcome(journal, found))
