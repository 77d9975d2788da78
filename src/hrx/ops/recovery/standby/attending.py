"""The keeper's look at the standby: whether writes wait for it, and whether it has to take over; decided each
half second and on record."""

from __future__ import annotations

from functools import partial
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.kit.ids import new_correlation_id
from hrx.ops.ledger.entries import Kind
from hrx.ops.recovery.noting import note
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standby.guarding import Guard, Sight
from hrx.ops.recovery.standby.members import Member, find_view
from hrx.ops.recovery.standby.supervised import PART, open_pair
from hrx.ops.recovery.standby.synchronizing import (
    Decision,
    Policy,
    Seen,
    Synchronizer,
    carry_out,
    look,
)
from hrx.ops.recovery.standby.taking_over import take_over
from hrx.ops.seams.sessions import SessionLost
from hrx.ops.targets.machine.haproxy import pass_database_to
from hrx.ops.targets.machine.homes import FIRST, find_writer
from hrx.ops.targets.machine.supervisor import Supervisor
from hrx.ops.targets.rising import is_rising
from hrx.ops.targets.target import PartState

_WORDS: Final = {Decision.WAIT: "writes wait for the standby", Decision.LET_GO: "writes go on without it"}


class StandbyDuty:
    """With `sync`, writes wait for a standby that is close and are let go of one that is not; with `async`
    they never wait, also not for one that they waited for under the setting before."""

    def __init__(self, site: Site) -> None:
        self._site = site
        policy = Policy(let_go_after_s=site.settings.standby_let_go_after_s)
        self._synchronizer = Synchronizer(policy=policy)
        self._guard = Guard(after_s=site.settings.standby_takeover_after_s)

    def __call__(self) -> None:
        """One look. Raises SessionLost, or Unavailable for a database that is not this machine's; Refused and
        Unavailable for a take-over that was due and could not be."""
        primary, standby = open_pair(self._site)
        began = clock.monotonic_s()
        try:
            seen = look(primary)
        except SessionLost:
            if self._is_take_over_due(standby, silent_since=began):
                self._take_over()
                return
            raise
        self._guard.is_due(
            Sight(
                at=clock.monotonic_s(),
                primary_answers=True,
                standby_follows=seen.is_streaming,
                is_on_purpose=False,
            )
        )
        if self._site.settings.standby_mode == "sync":
            decision = self._synchronizer.decide(seen, now=clock.monotonic_s())
        else:
            decision = Decision.LET_GO if seen.is_waited_for else Decision.KEEP
        carry_out(primary, decision, seen, record=self._record)

    def _is_take_over_due(self, standby: Member, *, silent_since: float) -> bool:
        layout = self._site.layout
        is_ours = find_writer(layout.postgres_data, layout.standby_data) == FIRST
        if self._site.settings.standby_takeover != "automatic" or not is_ours:
            return False
        found = find_view(standby)
        return self._guard.is_due(
            Sight(
                at=clock.monotonic_s(),
                silent_since=silent_since,
                primary_answers=False,
                standby_follows=found is not None and not found.is_writer,
                is_on_purpose=is_rising(layout.var) or self._is_stopped_on_purpose(),
            )
        )

    def _is_stopped_on_purpose(self) -> bool:
        """By the supervisor's word; one that cannot be asked starts nothing again either."""
        try:
            state = Supervisor(self._site.layout.supervisor_socket).get_part(FIRST).state
        except HrxError:
            return False
        return state in (PartState.STOPPED, PartState.STOPPING)

    def _take_over(self) -> None:
        layout = self._site.layout
        take_over(
            self._site,
            Supervisor(layout.supervisor_socket),
            partial(pass_database_to, layout.run / "edge", layout.haproxy_socket),
            run_id=f"keeper-{new_correlation_id()}",
            loss_max_bytes=0,
            is_primary_lost=True,
        )

    def _record(self, decision: Decision, seen: Seen) -> None:
        body = {
            "decision": decision.value,
            "meaning": _WORDS[decision],
            "mode": self._site.settings.standby_mode,
            "is_streaming": seen.is_streaming,
            "behind_bytes": seen.behind_bytes,
            "waiting_s": round(seen.waiting_s, 3),
        }
        note(self._site, Kind.STANDBY, PART, body)
