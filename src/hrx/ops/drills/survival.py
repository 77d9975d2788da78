"""The watch survives: two of those who watch are held down while the API is too; the page must still come.

Whoever is left tells: the plane by its outbox, the probe by calling a receiver that stands here as one of the
ways to the people on call. Either counts; how long it took from the fault is measured."""

from __future__ import annotations

import itertools
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops import lock as locks
from hrx.ops.drills.experiments import Experiment, FaultCall
from hrx.ops.drills.faults.registry import get_fault
from hrx.ops.drills.ground import Ground
from hrx.ops.drills.journal import STARTED, Injected, Journal
from hrx.ops.drills.measuring import PAGES
from hrx.ops.drills.running import end_incidents, look_quiet, refuse_unless_safe
from hrx.ops.drills.steady import list_unsteady
from hrx.ops.drills.undoing import undo
from hrx.ops.ledger.drills import DRILL_LOCK
from hrx.ops.ledger.notifications import NotificationState, list_notifications
from hrx.ops.observe.standby import Reach, read_standby, standby_path, write_standby
from hrx.ops.operators.roles import Actor, Permission, require

#: Those who watch, and the database; the probe and the edge stand outside them.
WATCHERS: Final = ("prometheus", "alertmanager", "ops", "postgres")
#: What is promised: a page within this long, whichever two are gone.
PROMISE_S: Final = 30.0
_GIVE_UP_S: Final = 45.0
_SETTLE_S: Final = 90.0
_QUIET_S: Final = 45.0
_POLL_S: Final = 0.25


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


@dataclass(slots=True, kw_only=True)
class _Receiver:
    """What came in from the probe, and when."""

    heard: list[datetime] = field(default_factory=list)
    url: str = ""


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
    outcomes = []
    with receiving(ground) as receiver:
        for pair in pairs or list_pairs():
            say(Text(ja=f"■ {pair[0]} と {pair[1]} を止める", en=f"■ without {pair[0]} and {pair[1]}"))
            outcomes.append(_run_pair(ground, experiment, pair, receiver, actor=actor))
            said = outcomes[-1].page_s
            say(
                Text(
                    ja=f"  通知 {said} 秒 ({outcomes[-1].by})",
                    en=f"  told after {said} s ({outcomes[-1].by})",
                )
            )
    return outcomes


def _run_pair(
    ground: Ground, experiment: Experiment, pair: tuple[str, str], receiver: _Receiver, *, actor: Actor
) -> PairOutcome:
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
                    # Again: until it was stopped, the plane kept its own list in that file.
                    _stand_by(ground, receiver)
                    began_at = clock.now()
                get_fault(call.fault).inject(ground, call.arguments, memo)
            page_s, by = _await_page(ground, receiver, since=began_at)
        finally:
            undo(ground, injected, actor=actor.name)
        is_back = _await_back(ground, experiment)
        outcome = PairOutcome(pair=pair, page_s=page_s, by=by, is_back=is_back)
        journal.write("survived", {"pair": list(pair), "page_s": page_s, "by": by, "is_back": is_back})
        # Else the next pair's outage would join this one's incident, and nobody would be paged anew.
        _await_quiet(ground)
        end_incidents(ground, actor=actor)
    return outcome


def _await_page(ground: Ground, receiver: _Receiver, *, since: datetime) -> tuple[float | None, str]:
    deadline = time.monotonic() + _GIVE_UP_S
    while time.monotonic() < deadline:
        told = {"probe": [at for at in receiver.heard if at >= since], "plane": _pages(ground, since=since)}
        found = [(at, who) for who, moments in told.items() for at in moments]
        if found:
            at, who = min(found)
            return round((at - since).total_seconds(), 2), who
        time.sleep(_POLL_S)
    return None, "nobody"


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


def _stand_by(ground: Ground, receiver: _Receiver) -> None:
    """Put our receiver among those whom the probe calls when the plane is gone."""
    path = standby_path(ground.plane.settings.var_dir)
    found = read_standby(path)
    others = tuple(one for one in (found.reach if found else ()) if one.address != receiver.url)
    write_standby(path, (*others, Reach(recipient="place:drill", channel="webhook", address=receiver.url)))


def _await_quiet(ground: Ground) -> None:
    deadline = time.monotonic() + _QUIET_S
    while time.monotonic() < deadline and not look_quiet(ground):
        time.sleep(_POLL_S * 4)


@contextmanager
def receiving(ground: Ground) -> Iterator[_Receiver]:
    """A webhook receiver that the probe is told of as one more place to call; taken away again in the end."""
    receiver = _Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.heard.append(clock.now())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/"
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    path = standby_path(ground.plane.settings.var_dir)
    before = read_standby(path)
    _stand_by(ground, receiver)
    try:
        yield receiver
    finally:
        if before is None:
            path.unlink(missing_ok=True)
        else:
            write_standby(path, before.reach)
        server.shutdown()
        server.server_close()
