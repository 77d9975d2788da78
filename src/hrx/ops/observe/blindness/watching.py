"""The rule watch: asks every few seconds whether each rule can see, and tells when one that should cannot.

A thread of its own, for it asks over the network, and the ticker must never wait for that."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.ops.ledger.signals import list_firing
from hrx.ops.lock import list_held
from hrx.ops.observe.blindness.hearing import Ear
from hrx.ops.observe.blindness.judging import Reason, RuleState, Sight, judge_sight
from hrx.ops.observe.blindness.looking import look_at_rules
from hrx.ops.observe.blindness.telling import SILENT_KEY, blind_signal, silent_signal
from hrx.ops.observe.rules.inputs import inputs_of
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.watch.rules import AlertRule
from hrx.ops.seams.looking import LookFailed
from hrx.ops.seams.metrics import Silence, list_silences
from hrx.ops.signal import Signal, SignalSink, SignalState
from hrx.ops.targets.rising import is_rising
from hrx.ops.targets.target import PartState

_log = logging.getLogger("hrx.ops.observe")
_STEP_S: Final = 1.0
_PREFIX: Final = "rules-blind:"
#: Without these there is nothing to be blind with; a place that runs none is not told every minute.
_CHAIN: Final = ("prometheus", "alertmanager")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBoard:
    """All rules as last seen, in the order of content. `silences` is None when nobody could tell."""

    sights: tuple[Sight, ...] = ()
    since: Mapping[str, datetime] = field(default_factory=dict)
    silences: tuple[Silence, ...] | None = None
    heard_at: datetime | None = None
    silence_s: float = 0.0
    is_silent: bool = False
    took_ms: float = 0.0
    at: datetime | None = None

    def find(self, name: str) -> Sight | None:
        return next((one for one in self.sights if one.rule.name == name), None)

    def count(self, state: RuleState | str) -> int:
        return sum(one.state == state for one in self.sights)

    @property
    def blind(self) -> tuple[Sight, ...]:
        return tuple(one for one in self.sights if one.is_blind)


class RuleWatch:
    """A thread that looks, and the last board for everybody who asks."""

    def __init__(self, plane: Plane, *, tell: SignalSink | None = None, ear: Ear | None = None) -> None:
        self._plane = plane
        self._tell = tell
        self.ear = ear or Ear()
        watch = plane.content.watch
        self._inputs = {rule.name: inputs_of(rule, watch.slos) for rule in watch.rules}
        self._board = RuleBoard(
            sights=tuple(Sight(rule=rule, state=RuleState.UNKNOWN) for rule in watch.rules)
        )
        self._since: dict[str, tuple[RuleState, datetime]] = {}
        #: Rule and cause → since when; another cause waits its own moment.
        self._blind: dict[tuple[str, str], tuple[float, datetime]] = {}
        self._has_seen: set[str] = set()
        self._told: dict[str, Signal] | None = None
        self._told_rules: dict[str, tuple[str, ...]] = {}
        self._began_s = clock.monotonic_s()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rule-watch", daemon=True)

    @property
    def board(self) -> RuleBoard:
        """What was last seen; replaced as a whole, never changed."""
        return self._board

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end and wait for its present look."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def look_once(self) -> RuleBoard:
        """Look now, judge every rule, and tell what is news."""
        settings, rules = self._plane.settings, self._plane.content.watch.rules
        started = clock.monotonic_s()
        wanted = (one for inputs in self._inputs.values() for one in inputs)
        looked = look_at_rules(self._plane.http, settings.prometheus_url.rstrip("/"), wanted)
        sights = tuple(judge_sight(rule, self._inputs[rule.name], looked) for rule in rules)
        self._remember(sights)
        self._board = RuleBoard(
            sights=sights,
            since=MappingProxyType({name: at for name, (_, at) in self._since.items()}),
            silences=self._list_silences(),
            heard_at=self.ear.heard_at,
            silence_s=self.ear.silence_s,
            is_silent=self._is_silent(),
            took_ms=round((clock.monotonic_s() - started) * 1000, 1),
            at=clock.now(),
        )
        self._tell_news(sights)
        return self._board

    def _run(self) -> None:
        due_s = 0.0
        while not self._stop.is_set():
            try:
                if clock.monotonic_s() >= due_s:
                    due_s = clock.monotonic_s() + self._plane.settings.rules_look_interval_s
                    self.look_once()
                else:
                    self._tell_news(self._board.sights)
            except HrxError as error:
                _log.warning("rules.not_told", extra={"fields": {"code": error.stable_code}})
            # A worker loop outlives a bug in one look, which is logged with its trace.
            except Exception:  # noqa: BLE001
                _log.exception("rules.bug")
            self._stop.wait(_STEP_S)

    def _remember(self, sights: Sequence[Sight]) -> None:
        now, now_s = clock.now(), clock.monotonic_s()
        blind: dict[tuple[str, str], tuple[float, datetime]] = {}
        for one in sights:
            before = self._since.get(one.rule.name)
            if before is None or before[0] is not one.state:
                self._since[one.rule.name] = (one.state, now)
            for reason in one.reasons if one.is_blind else ():
                mark = (one.rule.name, reason.key)
                blind[mark] = self._blind.get(mark, (now_s, now))
            if not one.reasons:
                self._has_seen.add(one.rule.name)
        self._blind = blind

    def _list_silences(self) -> tuple[Silence, ...] | None:
        try:
            return list_silences(self._plane.http, self._plane.settings.alertmanager_url.rstrip("/"))
        except LookFailed:
            return None

    def _is_silent(self) -> bool:
        grace_s = 0.0 if self.ear.heard_at is not None else self._plane.settings.rules_start_grace_s
        return self.ear.silence_s > self._plane.content.watch.routes.missing_after_s + grace_s

    def _tell_news(self, sights: Sequence[Sight]) -> None:
        """Tell what begins and what is over; what could not be taken in is told again."""
        if self._tell is None or is_rising(self._plane.settings.var_dir):
            return
        told = self._told if self._told is not None else self._recall()
        wanted = self._list_wanted(sights, told)
        fresh = [one for key, one in wanted.items() if key not in told]
        over = [_ended(one) for key, one in told.items() if key not in wanted]
        if fresh or over:
            if fresh and not self._has_chain():
                fresh = []
                wanted = {key: one for key, one in wanted.items() if key in told}
            if fresh or over:
                self._tell([*fresh, *over])
        self._told = wanted

    def _list_wanted(self, sights: Sequence[Sight], told: Mapping[str, Signal]) -> dict[str, Signal]:
        found: dict[str, Signal] = {}
        if self._is_silent():
            at = self.ear.heard_at or clock.now()
            found[SILENT_KEY] = told.get(SILENT_KEY) or silent_signal(since=at)
        for key, (reason, rules) in self._list_causes(sights).items():
            since = min(self._blind[rule.name, key][1] for rule in rules)
            found[key] = told.get(key) or blind_signal(reason, rules, since=since)
        return found

    def _list_causes(self, sights: Sequence[Sight]) -> dict[str, tuple[Reason, list[AlertRule]]]:
        """Cause → the rules that it has blinded for longer than a moment."""
        settings, now_s = self._plane.settings, clock.monotonic_s()
        is_young = now_s - self._began_s < settings.rules_start_grace_s
        held = {lock.name for lock in list_held(self._plane.ledger)} if self._blind else set()
        rules: defaultdict[str, list[AlertRule]] = defaultdict(list)
        reasons: dict[str, Reason] = {}
        for one in sights:
            name = one.rule.name
            if not one.is_blind or (is_young and name not in self._has_seen):
                continue
            for reason in one.reasons:
                begun_s, _ = self._blind.get((name, reason.key), (now_s, None))
                is_short = now_s - begun_s < settings.rules_blind_grace_s
                # A part that a procedure is just restarting is down on purpose.
                if not is_short and f"part:{reason.part}" not in held:
                    reasons.setdefault(reason.key, reason)
                    rules[reason.key].append(one.rule)
        return {key: (reasons[key], found) for key, found in rules.items()}

    def _has_chain(self) -> bool:
        states = {one.name: one.state for one in self._plane.target.list_parts()}
        return all(states.get(name, PartState.ABSENT) is not PartState.ABSENT for name in _CHAIN)

    def _recall(self) -> dict[str, Signal]:
        """What the last life of this process told and nobody ended."""
        with self._plane.ledger.store.read() as connection:
            return {
                one.key: one
                for one in list_firing(connection)
                if one.key == SILENT_KEY or one.key.startswith(_PREFIX)
            }


def _ended(one: Signal) -> Signal:
    return Signal(
        source=one.source,
        key=one.key,
        name=one.name,
        state=SignalState.RESOLVED,
        started_at=clock.now(),
        summary=one.summary,
        part=one.part,
        severity=one.severity,
        labels=one.labels,
    )
