"""The watch survives: two of those who watch are held down while the API is too; the page must still come.

Whoever is left tells: the plane by its outbox, the probe by calling people itself. What counts is the receipt
of a channel for a person, about the fault; the plane keeps its own, the probe writes them into its log."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops import lock as locks
from hrx.ops.drills.experiments import Experiment, FaultCall
from hrx.ops.drills.faults.registry import get_fault
from hrx.ops.drills.ground import Ground
from hrx.ops.drills.journal import STARTED, Injected, Journal
from hrx.ops.drills.live import name_live
from hrx.ops.drills.measuring import PAGES
from hrx.ops.drills.refusing import refuse_unless_safe
from hrx.ops.drills.running import end_incidents, look_quiet
from hrx.ops.drills.steady import list_unsteady
from hrx.ops.drills.undoing import undo
from hrx.ops.ledger.drills import DRILL_LOCK
from hrx.ops.ledger.notifications import NotificationState, list_notifications
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.paging.people import PLACE

#: Those who watch, and the database; the probe and the edge stand outside them.
WATCHERS: Final = ("prometheus", "alertmanager", "ops", "postgres")
#: What is promised: a page within this long, whichever two are gone.
PROMISE_S: Final = 30.0
_GIVE_UP_S: Final = 45.0
_SETTLE_S: Final = 90.0
_QUIET_S: Final = 45.0
_POLL_S: Final = 0.25
_LOG_BYTES: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOutcome:
    """One pair. `page_s` is None when nobody was told; `by` says who told."""

    pair: tuple[str, str]
    page_s: float | None
    by: str
    is_back: bool

    @property
    def is_kept(self) -> bool:
        return self.page_s is not None and self.page_s <= PROMISE_S


def list_pairs() -> tuple[tuple[str, str], ...]:
    """Every pair of those who watch."""
    return tuple(itertools.combinations(WATCHERS, 2))


def run_pairs(
    ground: Ground,
    experiment: Experiment,
    *,
    actor: Actor,
    say: Callable[[Text], None],
    pairs: tuple[tuple[str, str], ...] | None = None,
) -> list[PairOutcome]:
    """Every pair, one after the other. `experiment` is the fault that must be told (the API is stopped)."""
    require(actor, Permission.PLAN_AND_RUN)
    refuse_unless_safe(ground, experiment, actor=actor)
    experiment = name_live(ground.plane.target, experiment)
    outcomes = []
    for pair in pairs or list_pairs():
        say(Text(ja=f"■ {pair[0]} と {pair[1]} を止める", en=f"■ without {pair[0]} and {pair[1]}"))
        outcomes.append(_run_pair(ground, experiment, pair, actor=actor))
        say(_told(outcomes[-1]))
    return outcomes


def name_teller(outcome: PairOutcome) -> Text:
    """Who told, in words."""
    return {
        "plane": Text(ja="運用コンソール", en="the console"),
        "probe": Text(ja="外部監視", en="the probe"),
    }.get(outcome.by, Text(ja="–", en="–"))


def _told(outcome: PairOutcome) -> Text:
    if outcome.page_s is None:
        return Text(ja="  誰にも届きませんでした", en="  nobody was told")
    by = name_teller(outcome)
    return Text(
        ja=f"  {outcome.page_s:.1f} 秒で届きました({by.ja}から)",
        en=f"  told after {outcome.page_s:.1f} s by {by.en}",
    )


def _run_pair(ground: Ground, experiment: Experiment, pair: tuple[str, str], *, actor: Actor) -> PairOutcome:
    journal = Journal(
        ledger=ground.plane.ledger,
        run_id=secrets.token_hex(6),
        drill=f"survive-{pair[0]}-{pair[1]}",
        actor=actor.name,
    )
    stops = [FaultCall(fault="part.stop", arguments={"part": part}) for part in pair]
    injected: list[Injected] = []
    valid_s = _GIVE_UP_S + _SETTLE_S + _QUIET_S + 60
    with locks.holding(
        ground.plane.ledger, DRILL_LOCK, owner=actor.name, reason=journal.drill, valid_s=valid_s
    ):
        journal.write(STARTED, {"method": [*pair, experiment.id]})
        began_at = clock.now()
        try:
            for number, call in enumerate((*stops, *experiment.method)):
                memo = get_fault(call.fault).prepare(ground, call.arguments)
                journal.write_injecting(number, call, memo)
                injected.insert(
                    0,
                    Injected(run_id=journal.run_id, drill=journal.drill, number=number, call=call, memo=memo),
                )
                # The watch goes first; the clock starts with the fault that has to be told.
                if number == len(stops):
                    began_at = clock.now()
                get_fault(call.fault).inject(ground, call.arguments, memo)
            page_s, by = _await_page(ground, experiment, since=began_at)
        finally:
            undo(ground, injected, actor=actor.name)
        is_back = _await_back(ground, experiment)
        outcome = PairOutcome(pair=pair, page_s=page_s, by=by, is_back=is_back)
        journal.write("survived", {"pair": list(pair), "page_s": page_s, "by": by, "is_back": is_back})
        # Else the next pair's outage would join this one's incident, and nobody would be paged anew.
        _await_quiet(ground)
        end_incidents(ground, actor=actor)
    return outcome


def _await_page(ground: Ground, experiment: Experiment, *, since: datetime) -> tuple[float | None, str]:
    deadline = time.monotonic() + _GIVE_UP_S
    while time.monotonic() < deadline:
        log = ground.plane.target.tail_log("probe", size_bytes=_LOG_BYTES)
        told = {
            "probe": list_calls(log, conditions=experiment.expects.conditions, since=since),
            "plane": _pages(ground, since=since),
        }
        found = [(at, who) for who, moments in told.items() for at in moments]
        if found:
            at, who = min(found)
            return round((at - since).total_seconds(), 2), who
        time.sleep(_POLL_S)
    return None, "nobody"


def list_calls(log: str, *, conditions: Collection[str], since: datetime) -> list[datetime]:
    """When the probe reached a person about one of these conditions, by its own log; lines that are cut or of
    others are passed over."""
    found = []
    for line in log.splitlines():
        try:
            told = orjson.loads(line)
            at = datetime.fromisoformat(told["at"])
        except (ValueError, TypeError, KeyError):
            continue
        is_person = not str(told.get("recipient", PLACE)).startswith(PLACE)
        if (
            told.get("event") == "probe.called"
            and is_person
            and told.get("condition") in conditions
            and at >= since
        ):
            found.append(at)
    return found


def _pages(ground: Ground, *, since: datetime) -> list[datetime]:
    return [
        one.settled_at
        for one in list_notifications(ground.plane.ledger.store)
        if one.dedup_key.startswith(PAGES)
        and one.state is NotificationState.DELIVERED
        and one.settled_at is not None
        and one.created_at >= since
    ]


def _await_back(ground: Ground, experiment: Experiment) -> bool:
    """Until the product and those who watch are back; the next pair must not begin with this one's rest."""
    deadline, good = time.monotonic() + _SETTLE_S, 0
    while time.monotonic() < deadline and good < 12:
        good = 0 if list_unsteady(ground, experiment) else good + 1
        time.sleep(_POLL_S * 2)
    return good > 0


def _await_quiet(ground: Ground) -> None:
    deadline = time.monotonic() + _QUIET_S
    while time.monotonic() < deadline and not look_quiet(ground):
        time.sleep(_POLL_S * 4)
