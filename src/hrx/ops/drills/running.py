"""One drill from beginning to end: refuse or go, put in, measure, repair, take back, verify, record.

Taking back happens whatever else goes wrong. A drill that is killed leaves its faults on record, and
`hrx drill abort` takes them back."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError, Text
from hrx.ops import lock as locks
from hrx.ops.drills.experiments import Experiment
from hrx.ops.drills.faults.fault import Let
from hrx.ops.drills.faults.registry import get_fault
from hrx.ops.drills.ground import Ground
from hrx.ops.drills.journal import STARTED, Injected, Journal, Outcome
from hrx.ops.drills.live import name_live
from hrx.ops.drills.measuring import (
    Noticed,
    list_open_drills,
    look_at_response,
)
from hrx.ops.drills.refusing import refuse_unless_safe
from hrx.ops.drills.repairing import repair
from hrx.ops.drills.steady import list_unsteady
from hrx.ops.drills.traffic import people_at_work
from hrx.ops.drills.undoing import undo
from hrx.ops.incidents.actions import ending
from hrx.ops.incidents.repairs import list_repairs
from hrx.ops.ledger.drills import DRILL_LOCK
from hrx.ops.ledger.incidents import get_incident
from hrx.ops.ledger.leases import Lease
from hrx.ops.ledger.signals import find_conditions, is_trace, list_conditions
from hrx.ops.operators.roles import Actor, Permission, require

_log = logging.getLogger("hrx.ops.drills")
_POLL_S: Final = 0.25
#: A killed drill stops marking incidents as drills after this long.
_LOCK_S: Final = 45.0
_REPAIR_LOCK_S: Final = 300.0
_RECOVER_S: Final = 90.0
#: Rules look back over a minute: so long they may speak of a drill that is over, and must have fallen silent
#: before the next one, or their echo would be taken for its first word.
QUIET_S: Final = 45.0
_STAYS_QUIET_S: Final = 6.0
#: Two good looks at the steady state in a row count: one may be luck.
_GOOD_LOOKS: Final = 2
Say = Callable[[Text], None]


def silent(_text: Text) -> None:
    """For callers that read the outcome instead."""


@dataclass(slots=True, kw_only=True)
class _Drill:
    """One drill under way."""

    ground: Ground
    experiment: Experiment
    actor: Actor
    journal: Journal
    held: Lease
    say: Say
    injected: list[Injected] = field(default_factory=list)
    lets: list[Let] = field(default_factory=list)
    began_at: datetime = field(default_factory=clock.now)
    noticed: Noticed = field(default_factory=Noticed)
    #: How long people may take to repair it themselves; None: the drill repairs.
    patience_s: float | None = None
    quiet_s: float = QUIET_S
    repaired_by: str = "rollback"
    problem: str | None = None

    def renew(self) -> None:
        self.held = locks.renew(self.ground.plane.ledger, self.held, valid_s=_LOCK_S)


def run_drill(
    ground: Ground,
    experiment: Experiment,
    *,
    actor: Actor,
    say: Say = silent,
    patience_s: float | None = None,
    quiet_s: float = QUIET_S,
) -> Outcome:
    """Run one drill; gives what was measured, which is on record too.

    With `patience_s` people practise: the fault stays in until they have repaired it or the time is over, and
    the incident is theirs to end. `quiet_s` is how long it waits in the end for what it caused to be told as
    over. Raises Refused before anything was put in: in production without an
    approver, with a real incident open, with an older drill's fault still in, when the steady state does not
    hold, or where this machine cannot bear the fault (code NOT_HERE)."""
    require(actor, Permission.PLAN_AND_RUN)
    refuse_unless_safe(ground, experiment, actor=actor)
    # Named once: which slot is live may change while the drill runs, and what it broke does not.
    experiment = name_live(ground.plane.target, experiment)
    run_id = secrets.token_hex(6)
    held = locks.acquire(
        ground.plane.ledger,
        DRILL_LOCK,
        owner=actor.name,
        reason=f"{experiment.id} ({run_id})",
        valid_s=_LOCK_S,
    )
    journal = Journal(
        ledger=ground.plane.ledger,
        run_id=run_id,
        drill=experiment.id,
        actor=actor.name,
        title=experiment.title,
    )
    drill = _Drill(ground=ground, experiment=experiment, actor=actor, journal=journal, held=held, say=say)
    drill.patience_s, drill.quiet_s = patience_s, quiet_s
    try:
        journal.write(STARTED, {"method": [call.fault for call in experiment.method]})
        return _go(drill)
    finally:
        locks.release(ground.plane.ledger, drill.held)


def _go(drill: _Drill) -> Outcome:
    recovered_at: datetime | None = None
    with ExitStack() as around:
        # Registered first, so that it runs last of all and whatever happens.
        around.callback(_take_back, drill)
        around.enter_context(people_at_work(drill.ground, per_s=drill.experiment.traffic))
        if drill.experiment.traffic > 0:
            _rest(drill, for_s=5.0)
        try:
            _inject(drill)
            if drill.patience_s is not None:
                recovered_at = _await_people(drill, patience_s=drill.patience_s)
            else:
                _watch(drill)
            if drill.patience_s is None and drill.experiment.repairs:
                recovered_at = _repair(drill)
            _take_back(drill)
            recovered_at = recovered_at or _await_steady(drill)
            # What is blamed while it recovers is blamed too.
            _look(drill)
        except HrxError as error:
            drill.problem = f"{error.stable_code}: {error.message.en}"
            _log.warning(
                "drill.problem", extra={"fields": {"drill": drill.experiment.id, "says": drill.problem}}
            )
        # A fault that breaks in a way nobody thought of ends this drill, not those that come after it.
        except Exception as error:  # noqa: BLE001
            drill.problem = f"bug: {type(error).__name__}"
            _log.exception("drill.bug", extra={"fields": {"drill": drill.experiment.id}})
    outcome = _to_outcome(drill, recovered_at)
    drill.journal.write_outcome(outcome)
    if drill.patience_s is None:
        _close_incidents(drill)
    return outcome


def _inject(drill: _Drill) -> None:
    for number, call in enumerate(drill.experiment.method):
        fault = get_fault(call.fault)
        memo = fault.prepare(drill.ground, call.arguments)
        drill.journal.write_injecting(number, call, memo)
        drill.injected.insert(
            0,
            Injected(
                run_id=drill.journal.run_id, drill=drill.experiment.id, number=number, call=call, memo=memo
            ),
        )
        if number == 0:
            drill.began_at = clock.now()
        drill.say(Text(ja=f"故障を起こします: {fault.title.ja}", en=f"Putting in: {fault.title.en}"))
        drill.lets.insert(0, fault.inject(drill.ground, call.arguments, memo))


def _repair(drill: _Drill) -> datetime | None:
    """Do what the triage proposes; the moment from which all was well by that alone, the fault still in."""
    drill.say(Text(ja="復旧手順を実行します", en="Running the proposed repair"))
    # Its proofs may take longer than the lock is good for, and what begins meanwhile is the drill's.
    drill.held = locks.renew(drill.ground.plane.ledger, drill.held, valid_s=_REPAIR_LOCK_S)
    procedure = repair(drill.ground, drill.noticed, actor=drill.actor)
    if procedure is None:
        return None
    recovered_at = _await_steady(drill)
    if recovered_at is not None:
        drill.repaired_by = procedure
    return recovered_at


def _watch(drill: _Drill) -> None:
    """Wait until it was noticed, paged and diagnosed, or for as long as the experiment says."""
    expects = drill.experiment.expects
    deadline = time.monotonic() + expects.give_up_s
    while time.monotonic() < deadline:
        drill.renew()
        _look(drill)
        if _is_done(drill):
            return
        time.sleep(_POLL_S)


def _look(drill: _Drill) -> None:
    before = drill.noticed
    drill.noticed = look_at_response(drill.ground.plane.ledger, drill.experiment, since=drill.began_at)
    _tell_progress(drill, before)


def _is_done(drill: _Drill) -> bool:
    noticed, expects = drill.noticed, drill.experiment.expects
    is_told = noticed.paged_at is not None or (
        expects.page_within_s is None and noticed.detected_at is not None
    )
    return is_told and noticed.cause_at is not None


def _tell_progress(drill: _Drill, before: Noticed) -> None:
    now, since = drill.noticed, drill.began_at
    for name, at, was in (
        (Text(ja="検知", en="noticed"), now.detected_at, before.detected_at),
        (Text(ja="呼び出し", en="paged"), now.paged_at, before.paged_at),
        (Text(ja="原因", en="right cause"), now.cause_at, before.cause_at),
    ):
        if at is not None and was is None:
            seconds = (at - since).total_seconds()
            drill.say(Text(ja=f"  {name.ja} {seconds:.1f} 秒", en=f"  {name.en} after {seconds:.1f} s"))


def _take_back(drill: _Drill) -> None:
    """Safe to call twice; what could not be taken back stays on record for `hrx drill abort`."""
    for let in drill.lets:
        try:
            let()
        except Exception:  # noqa: BLE001
            _log.exception("drill.not_let_go")
    drill.lets = []
    drill.injected = undo(drill.ground, drill.injected, actor=drill.actor.name)
    if drill.injected:
        drill.problem = "not taken back: " + ", ".join(one.call.fault for one in drill.injected)


def _await_people(drill: _Drill, *, patience_s: float) -> datetime | None:
    """Watch people repair it; being well before anybody noticed anything is no repair."""
    deadline, good, since = time.monotonic() + patience_s, 0, clock.now()
    while time.monotonic() < deadline:
        drill.renew()
        _look(drill)
        at = clock.now()
        if _holds_still(drill) or list_unsteady(drill.ground, drill.experiment):
            good = 0
        else:
            since, good = (at, 1) if good == 0 else (since, good + 1)
            if good >= _GOOD_LOOKS:
                drill.repaired_by = _who_repaired(drill)
                return since
        time.sleep(_POLL_S)
    drill.say(Text(ja="時間切れです。故障を取り消します", en="The time is over; taking the fault back"))
    return None


def _who_repaired(drill: _Drill) -> str:
    """People, when somebody took the incident or a repair was planned for it; else it healed by itself."""
    found = drill.noticed.incident_id
    if found is None:
        return "itself"
    incident = get_incident(drill.ground.plane.ledger.store, found)
    is_theirs = incident.acknowledged_by is not None or bool(list_repairs(drill.ground.plane, found))
    return "people" if is_theirs else "itself"


def _holds_still(drill: _Drill) -> bool:
    """Whether what was noticed goes on, or nothing was noticed yet."""
    if drill.noticed.detected_at is None:
        return True
    with drill.ground.plane.ledger.store.read() as connection:
        found = find_conditions(connection, list(drill.experiment.expects.conditions))
    return any(one.is_firing for one in found.values())


def _await_steady(drill: _Drill) -> datetime | None:
    """The moment from which the steady state held again; None when it did not within the limit."""
    deadline, good, since = time.monotonic() + _RECOVER_S, 0, clock.now()
    while time.monotonic() < deadline:
        drill.renew()
        at = clock.now()
        if list_unsteady(drill.ground, drill.experiment):
            good = 0
        else:
            since, good = (at, 1) if good == 0 else (since, good + 1)
            if good >= _GOOD_LOOKS:
                return since
        time.sleep(_POLL_S)
    return None


def _rest(drill: _Drill, *, for_s: float) -> None:
    time.sleep(for_s)
    drill.renew()


def _close_incidents(drill: _Drill) -> None:
    """The drill's own incidents are ended by the drill, after what it broke has said that it is well."""
    deadline, quiet = time.monotonic() + drill.quiet_s, 0.0
    while time.monotonic() < deadline and quiet < _STAYS_QUIET_S:
        drill.renew()
        quiet = quiet + _POLL_S * 4 if look_quiet(drill.ground) else 0.0
        time.sleep(_POLL_S * 4)
    end_incidents(drill.ground, actor=drill.actor)


def end_incidents(ground: Ground, *, actor: Actor) -> None:
    """Resolve and close the incidents of drills; what they still hold counts as over."""
    for incident in list_open_drills(ground.plane.ledger):
        try:
            ending.resolve(ground.plane, incident.id, reason="drill", actor=actor)
            ending.close(ground.plane, incident.id, actor=actor)
        except HrxError as error:
            _log.warning("drill.not_closed", extra={"fields": {"code": error.stable_code}})


def look_quiet(ground: Ground) -> bool:
    """Whether nothing that machines told of the drills' incidents holds any more, but that a budget burns."""
    with ground.plane.ledger.store.read() as connection:
        return not any(
            one.is_firing and not one.is_reported and not is_trace(one.key)
            for incident in list_open_drills(ground.plane.ledger)
            for one in list_conditions(connection, incident.id)
        )


def _to_outcome(drill: _Drill, recovered_at: datetime | None) -> Outcome:
    noticed, experiment = drill.noticed, drill.experiment
    return Outcome(
        run_id=drill.journal.run_id,
        drill=experiment.id,
        at=drill.began_at,
        fault=", ".join(call.fault for call in experiment.method),
        sop=experiment.expects.sop,
        alert=noticed.alert,
        condition=noticed.condition,
        detect_s=_seconds(drill, noticed.detected_at),
        page_s=_seconds(drill, noticed.paged_at),
        cause_s=_seconds(drill, noticed.cause_at),
        recover_s=_seconds(drill, recovered_at),
        first_cause=noticed.first_cause,
        expected_cause=experiment.expects.causes,
        evidence_complete=noticed.evidence_complete,
        evidence_seq=noticed.evidence_seq,
        wrongly_blamed=noticed.wrongly_blamed,
        repaired_by=drill.repaired_by,
        is_outage=experiment.expects.is_outage,
        page_within_s=experiment.expects.page_within_s,
        incident_id=noticed.incident_id,
        problem=drill.problem or (None if recovered_at else "the steady state did not come back in time"),
    )


def _seconds(drill: _Drill, at: datetime | None) -> float | None:
    return None if at is None else round((at - drill.began_at).total_seconds(), 2)
