"""The watcher: looks at every part every few seconds and remembers, so that pages show it without waiting.

It records changes, not looks: a part that is well for a month is one entry in the ledger."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError, Text
from hrx.ops.check import Status, worst
from hrx.ops.ledger.chain import Verification
from hrx.ops.ledger.entries import Kind
from hrx.ops.lock import list_held
from hrx.ops.observe.alerts import NO_SEVERITY, list_missing, record_alerts, to_signals
from hrx.ops.run.looking import PartView, look_at_part
from hrx.ops.run.plane import Plane
from hrx.ops.seams.looking import LookFailed
from hrx.ops.seams.metrics import AlertSeen, list_alerts
from hrx.ops.signal import Severity, Signal, SignalSink, SignalSource, SignalState
from hrx.ops.targets.machine.memory import measure_memory
from hrx.ops.targets.rising import is_rising
from hrx.ops.targets.target import PartState, PartStatus

_log = logging.getLogger("hrx.ops.observe")
#: One failed look may be a lost packet; two in a row are an event worth an entry.
_CONFIRM_LOOKS: Final = 2
#: An optional part that nobody has ever seen well may be in its very first start for so long.
_FIRST_START_S: Final = 30.0
_HISTORY_LOOKS: Final = 60
#: Proportional set sizes cost a walk through every mapping of a process.
_MEMORY_EVERY_S: Final = 15.0
_VERIFY_EVERY_S: Final = 60.0
ACTOR: Final = "watcher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything as last seen. `since` says from when each part has had its present status."""

    views: tuple[PartView, ...] = ()
    since: Mapping[str, datetime] = field(default_factory=dict)
    memory_bytes: Mapping[str, int] = field(default_factory=dict)
    latencies_ms: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    alerts: tuple[AlertSeen, ...] | None = None
    ledger: Verification | None = None
    ledger_checked_at: datetime | None = None
    problem: Text | None = None
    at: datetime | None = None

    @property
    def status(self) -> Status:
        """How the whole is: a lost optional part degrades it, a lost required one takes it down."""
        return worst(
            tuple(
                Status.DEGRADED if view.status is Status.DOWN and not view.is_required else view.status
                for view in self.views
                if view.status is not Status.UNKNOWN or view.is_required
            )
        )

    @property
    def troubles(self) -> tuple[AlertSeen, ...] | None:
        """The alerts that mean something is wrong; the dead man's switch (severity none) always fires."""
        return None if self.alerts is None else tuple(a for a in self.alerts if a.severity != NO_SEVERITY)

    @property
    def is_chain_alive(self) -> bool:
        """Whether the dead man's switch was seen: rules are evaluated and alerts arrive."""
        return any(alert.severity == NO_SEVERITY for alert in self.alerts or ())

    def find_view(self, name: str) -> PartView | None:
        return next((view for view in self.views if view.info.name == name), None)


class Watcher:
    """A thread that looks, and the last snapshot for everybody who asks.

    `tell` hears of parts that are down and back, and of alerts; what it could not take is told again."""

    def __init__(self, plane: Plane, *, tell: SignalSink | None = None) -> None:
        self._plane = plane
        self._tell = tell
        self._told: dict[str, SignalState] = {}
        self._told_alerts: set[tuple[str, str, datetime]] = set()
        self._snapshot = Snapshot()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._recorded: dict[str, Status] = {}
        self._streak: dict[str, tuple[Status, int, datetime]] = {}
        self._history: dict[str, deque[float | None]] = {}
        self._never_well: set[str] = set()
        self._began_s = clock.monotonic_s()
        self._memory_due_s = self._verify_due_s = 0.0

    @property
    def snapshot(self) -> Snapshot:
        """What was last seen; replaced as a whole, never changed."""
        return self._snapshot

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end and wait for its present look."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def look_once(self) -> Snapshot:
        """Look at everything now, in parallel; about as long as the slowest look."""
        processes = {status.name: status for status in self._plane.target.list_parts()}
        parts = self._plane.content.parts
        with ThreadPoolExecutor(max_workers=len(parts), thread_name_prefix="look") as pool:
            views = tuple(
                pool.map(
                    lambda info: look_at_part(
                        self._plane,
                        info,
                        process=processes.get(info.name, PartStatus(name=info.name, state=PartState.UNKNOWN)),
                    ),
                    parts,
                )
            )
        try:
            for view in views:
                self._note(view)
            self._tell_parts(views)
            self._snapshot = self._assemble(views)
        except HrxError as error:
            # The ledger may be unwritable (full disk). What was seen is shown all the same, and that too.
            _log.warning("watch.not_recorded", extra={"fields": {"code": error.stable_code}})
            self._snapshot = replace(self._snapshot, views=views, problem=error.message, at=clock.now())
        return self._snapshot

    def _run(self) -> None:
        while not self._stop.is_set():
            started = clock.monotonic_s()
            try:
                self.look_once()
            # The watcher is a worker loop: it outlives a bug in one look, which is logged with its trace.
            except Exception:  # noqa: BLE001
                _log.exception("watch.bug")
            rest_s = self._plane.settings.look_interval_s - (clock.monotonic_s() - started)
            self._stop.wait(max(0.1, rest_s))

    def _assemble(self, views: tuple[PartView, ...]) -> Snapshot:
        former, now_s = self._snapshot, clock.monotonic_s()
        memory, ledger, checked_at = former.memory_bytes, former.ledger, former.ledger_checked_at
        if now_s >= self._memory_due_s:
            memory, self._memory_due_s = _measure(views), now_s + _MEMORY_EVERY_S
        if now_s >= self._verify_due_s:
            ledger, checked_at = self._plane.ledger.verify(), clock.now()
            self._verify_due_s = now_s + _VERIFY_EVERY_S
        return Snapshot(
            views=views,
            since=MappingProxyType({name: since for name, (_, _, since) in self._streak.items()}),
            memory_bytes=memory,
            latencies_ms={name: tuple(values) for name, values in self._history.items()},
            alerts=self._look_at_alerts(),
            ledger=ledger,
            ledger_checked_at=checked_at,
            at=clock.now(),
        )

    def _look_at_alerts(self) -> tuple[AlertSeen, ...] | None:
        """The alerts now; None when nobody can tell, which is not the same as none."""
        try:
            alerts = list_alerts(self._plane.http, self._plane.settings.alertmanager_url.rstrip("/"))
        except LookFailed:
            return None
        if is_rising(self._plane.settings.var_dir):
            return alerts
        # Told before recorded: what nobody could take in is news again at the next look.
        over = list_missing(self._plane.ledger, alerts)
        self._tell_alerts((*alerts, *over))
        record_alerts(self._plane.ledger, (*alerts, *over), source="alertmanager")
        return alerts

    def _tell_alerts(self, alerts: tuple[AlertSeen, ...]) -> None:
        news = {(one.fingerprint, one.state, one.started_at): one for one in alerts}
        fresh = [one for name, one in news.items() if name not in self._told_alerts]
        if self._tell is not None and fresh:
            self._tell(to_signals(fresh))
        self._told_alerts = set(news)

    def _tell_parts(self, views: tuple[PartView, ...]) -> None:
        """Tell which parts are down for sure, and which are back."""
        if self._tell is None or is_rising(self._plane.settings.var_dir):
            return
        news = [view for view in views if self._is_news(view)]
        down = [view for view in news if view.status is Status.DOWN]
        if down:
            # A part that a procedure is just restarting is down on purpose.
            held = {lock.name for lock in list_held(self._plane.ledger)}
            news = [view for view in news if view not in down or f"part:{view.info.name}" not in held]
        if news:
            self._tell([self._to_signal(view, views) for view in news])
            self._told.update({view.info.name: _word_for(view.status) for view in news})

    def _is_news(self, view: PartView) -> bool:
        status, looks, _ = self._streak[view.info.name]
        if status is Status.UNKNOWN or looks < _CONFIRM_LOOKS:
            return False
        if view.info.name in self._never_well and clock.monotonic_s() - self._began_s < _FIRST_START_S:
            return False
        return self._told.get(view.info.name) is not _word_for(status)

    def _to_signal(self, view: PartView, views: tuple[PartView, ...]) -> Signal:
        name, title = view.info.name, view.info.title
        is_down = view.status is Status.DOWN
        has_other = any(
            other.info.service == view.info.service and other.status is Status.OK and not other.is_resting
            for other in views
            if other.info.name != name
        )
        is_critical = view.is_required and not has_other
        return Signal(
            source=SignalSource.WATCHER,
            key=f"part-down:{name}",
            name="PartDown",
            state=_word_for(view.status),
            started_at=self._streak[name][2],
            summary=Text(
                ja=f"{title.ja}が{'止まっています' if is_down else '動いています'}",
                en=f"{title.en} is {'down' if is_down else 'up'}",
            ),
            part=name,
            severity=Severity.CRITICAL if is_critical else Severity.MINOR,
        )

    def _note(self, view: PartView) -> None:
        """Keep the history of one part, and record a change that held for two looks."""
        name = view.info.name
        self._history.setdefault(name, deque(maxlen=_HISTORY_LOOKS)).append(view.latency_ms)
        if view.status is not Status.DOWN:
            self._never_well.discard(name)
        if name not in self._streak:
            self._remember(view)
            return
        status, looks, since = self._streak[name]
        if status is view.status:
            self._streak[name] = (status, looks + 1, since)
        else:
            self._streak[name] = (view.status, 1, view.observed_at)
        status, looks, since = self._streak[name]
        if looks >= _CONFIRM_LOOKS and self._recorded.get(name) is not status:
            self._record_change(view, since=since)

    def _remember(self, view: PartView) -> None:
        """After a start: go on from what the ledger last said, so that `since` survives our own restart."""
        name = view.info.name
        self._told[name] = SignalState.RESOLVED
        last = self._plane.ledger.find_last(Kind.FINDING, subject=f"part:{name}")
        if last is None:
            self._streak[name] = (view.status, 1, view.observed_at)
            if view.status is Status.DOWN and not view.is_required:
                self._never_well.add(name)
            return
        was = Status(last.body["status"])
        if was is Status.DOWN:
            # Whether that was told before we were restarted is not known; telling twice changes nothing.
            del self._told[name]
        self._recorded[name] = was
        since = datetime.fromisoformat(last.body["since"]) if was is view.status else view.observed_at
        self._streak[name] = (view.status, 1, since)

    def _record_change(self, view: PartView, *, since: datetime) -> None:
        name, before = view.info.name, self._recorded.get(view.info.name)
        self._plane.ledger.append(
            Kind.FINDING,
            actor=ACTOR,
            subject=f"part:{name}",
            body={
                "status": view.status.value,
                "before": before.value if before else None,
                "summary": {"ja": view.summary.ja, "en": view.summary.en},
                "state": view.process.state.value,
                "pid": view.process.pid,
                "since": since.isoformat(),
            },
        )
        self._recorded[name] = view.status


def _word_for(status: Status) -> SignalState:
    return SignalState.FIRING if status is Status.DOWN else SignalState.RESOLVED


def _measure(views: tuple[PartView, ...]) -> dict[str, int]:
    pids = {view.info.name: view.process.pid for view in views if view.process.pid is not None}
    return {item.part: item.size_bytes for item in measure_memory(pids)}
