"""One recovery drill from its ground to its evidence, cleaned up whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError, Refused, Text
from hrx.ops.drills.journal import STARTED, Journal
from hrx.ops.drills.recovery import keeping, losing, mistakes
from hrx.ops.drills.recovery.experiments import RecoveryExperiment
from hrx.ops.drills.recovery.outcomes import RecoveryOutcome, write_outcome
from hrx.ops.drills.recovery.scratch import Scratch, Seed, Wanted, opened_scratch
from hrx.ops.drills.recovery.watching import Watch
from hrx.ops.operators.roles import Actor, Permission

#: What an experiment's `func` names.
FUNCTIONS: Final[Mapping[str, Callable[[Scratch, Watch], None]]] = {
    "recovery.lose-data-directory": losing.lose_data_directory,
    "recovery.corrupt-page": losing.corrupt_page,
    "recovery.lose-region": losing.lose_region,
    "recovery.delete-by-hand": mistakes.delete_by_hand,
    "recovery.fail-migration": mistakes.fail_migration,
    "recovery.stick-receiver": keeping.stick_receiver,
    "recovery.fill-archive-disk": keeping.fill_archive_disk,
    "recovery.lose-key": keeping.lose_key,
    "recovery.jump-clock": keeping.jump_clock,
    "recovery.lose-ledger": keeping.lose_ledger,
}
_WANTED: Final[Mapping[str, Wanted]] = {
    "recovery.lose-region": Wanted(has_elsewhere=True),
    # Two files of change records.
    "recovery.fill-archive-disk": Wanted(spool_limit_bytes=20 * 1024**2),
}


def refuse_in_production(environment: str, actor: Actor) -> None:
    """The ground is a scratch one, but it takes the machine's disk and processor. Raises Refused."""
    if environment == "production" and not (actor.is_operator and actor.may(Permission.APPROVE)):
        raise Refused(
            Text(
                ja="本番環境の訓練には承認者の操作が必要です(`--operator 名前`)",
                en="In production an approver must run it (`--operator NAME`)",
            ),
            hint=Text(
                ja="検証環境なら、そのまま実施できます。", en="In staging anybody who may run things can."
            ),
            code="drill.production",
        )


def run_recovery_drill(seed: Seed, experiment: RecoveryExperiment, *, journal: Journal) -> RecoveryOutcome:
    """Measured and on record, also when it went wrong: then `problem` says how."""
    at = clock.now()
    journal.write(STARTED, {"func": experiment.func})
    watch, written, problem = Watch(experiment=experiment), 0, None
    try:
        with opened_scratch(seed, _WANTED.get(experiment.func, Wanted())) as scratch:
            FUNCTIONS[experiment.func](scratch, watch)
            written = watch.written or sum(len(one.acknowledged) for one in scratch.writers)
    except HrxError as error:
        problem = error.message.en
    loss = watch.loss
    found = RecoveryOutcome(
        run_id=journal.run_id,
        drill=experiment.id,
        at=at,
        noticed_by=watch.noticed_by,
        detect_s=watch.detect_s,
        rto_s=watch.rto_s,
        rpo_s=loss.seconds if loss else None,
        lost_commits=loss.commits if loss else None,
        written=written,
        is_exact=loss is not None and loss.is_exact,
        is_verified=watch.is_verified,
        witnesses=tuple(watch.witnesses),
        objective=experiment.objective,
        aim=experiment.aim,
        problem=problem,
    )
    return replace(found, evidence_seq=write_outcome(journal, found))
