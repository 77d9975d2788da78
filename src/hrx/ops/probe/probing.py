"""The probe at work: a thread for each target, and one that tells the plane or takes its place."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.probe.calling import Caller, keep_watch, make_call, recall_watch
from hrx.ops.probe.guarding import PLANE_CONDITION, Duty, guard, note_paged
from hrx.ops.probe.judging import Standing, judge, make_signal
from hrx.ops.probe.looking import Outsider, Seen
from hrx.ops.probe.reporting import Reporter
from hrx.ops.probe.targets import PLANE, ProbeTarget, read_extra_targets
from hrx.ops.signal import SignalState
from hrx.ops.targets.rising import is_rising

_log = logging.getLogger("hrx.ops.probe")
_STEP_S: Final = 0.5
#: Nobody could be reached: the next try, not in every step.
_CALL_AGAIN_S: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often and how patiently. `silence_s`: how long the plane may be silent before we page."""

    every_s: float
    timeout_s: float
    silence_s: float
    #: While everything is being started, what has not been well yet is not an outage.
    grace_s: float = 0.0

    @property
    def late_s(self) -> float:
        """A look that takes longer than this hangs: a name server that does not answer has no limit."""
        return self.timeout_s * 2 + self.every_s


class Probe:
    """All targets, watched until told to stop."""

    def __init__(
        self,
        targets: Sequence[ProbeTarget],
        *,
        rhythm: Rhythm,
        reporter: Reporter,
        caller: Caller,
        state_file: Path,
        extra_file: Path | None = None,
        var_dir: Path,
    ) -> None:
        self._targets = tuple(targets)
        self._extra_file = extra_file
        self._var_dir = var_dir
        self._extra: tuple[ProbeTarget, ...] = ()
        self._rhythm = rhythm
        self._reporter = reporter
        self._caller = caller
        self._state_file = state_file
        self._watch = recall_watch(state_file, now=clock.now())
        self._standing: dict[str, Standing] = {}
        self._newest: dict[str, Seen] = {}
        self._begun_s: dict[str, float] = {}
        self._judged_plane: Seen | None = None
        self._was_well: set[str] = set()
        self._judges_from_s = clock.monotonic_s() + rhythm.grace_s
        self._next_call_s = 0.0
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def newest(self) -> tuple[Seen, ...]:
        """The newest look at every target, in order."""
        with self._lock:
            targets = (*self._targets, *self._extra)
            return tuple(self._newest[one.name] for one in targets if one.name in self._newest)

    def late(self) -> tuple[str, ...]:
        """Targets whose present look has hung for too long."""
        now_s = clock.monotonic_s()
        with self._lock:
            return tuple(name for name, begun in self._begun_s.items() if now_s - begun > self._rhythm.late_s)

    def start(self) -> None:
        for target in self._targets:
            self._start_looking(target)
        threading.Thread(target=self._report, name="report", daemon=True).start()

    def _start_looking(self, target: ProbeTarget) -> None:
        threading.Thread(
            target=self._watch_target, args=(target,), name=f"look-{target.name}", daemon=True
        ).start()

    def stop(self) -> None:
        self._stop.set()

    def wait(self) -> None:
        """Until told to stop; guards meanwhile."""
        while not self._stop.wait(_STEP_S):
            try:
                self.step()
            # A worker loop outlives a bug, which is logged with its trace.
            except Exception:  # noqa: BLE001
                _log.exception("probe.bug")

    def step(self) -> Duty:
        """Judge hanging looks, decide who has the duty, and do ours; gives what was to do."""
        self._take_extra()
        self._judge_late()
        self._caller.remember()
        seen = self._newest.get(PLANE)
        is_news = seen is not None and seen is not self._judged_plane
        self._judged_plane = seen
        plane = f"probe-failed:{PLANE}"
        before = self._watch
        if not before.is_silent and is_rising(self._var_dir):
            # The console starts with the rest: it is not missed before that is over.
            before = replace(before, heard_at=clock.now())
        self._watch, duty = guard(
            before,
            is_well=seen.is_well if seen is not None and is_news else None,
            failing=self._reporter.firing - {plane},
            now=clock.now(),
            silence_s=self._rhythm.silence_s,
        )
        self._do(duty)
        if self._watch.is_silent or before.is_silent:
            keep_watch(self._state_file, self._watch)
        return duty

    def note(self, target: ProbeTarget, seen: Seen) -> None:
        """Take in one look; one at a target that was taken away meanwhile is dropped."""
        if target not in (*self._targets, *self._extra):
            return
        with self._lock:
            self._newest[target.name] = seen
            if seen.is_well:
                self._was_well.add(target.name)
            elif target.name not in self._was_well and clock.monotonic_s() < self._judges_from_s:
                return
            standing, news = judge(self._standing.get(target.name, Standing()), seen)
            self._standing[target.name] = standing
        if news is not None:
            _log.warning("probe.news", extra={"fields": {"target": target.name, "state": news.value}})
            self._reporter.tell(make_signal(target, standing, state=news, at=seen.at))

    def _watch_target(self, target: ProbeTarget) -> None:
        outsider = Outsider(timeout_s=self._rhythm.timeout_s)
        while not self._stop.is_set() and target in (*self._targets, *self._extra):
            started = clock.monotonic_s()
            with self._lock:
                self._begun_s[target.name] = started
            try:
                self.note(target, outsider.look(target))
            except Exception:  # noqa: BLE001
                _log.exception("probe.bug", extra={"fields": {"target": target.name}})
            with self._lock:
                self._begun_s.pop(target.name, None)
            self._stop.wait(max(0.05, self._rhythm.every_s - (clock.monotonic_s() - started)))

    def _report(self) -> None:
        """On a thread of its own: a plane that hangs must not hold up the guard."""
        while not self._stop.wait(_STEP_S):
            try:
                self._reporter.flush()
            except Exception:  # noqa: BLE001
                _log.exception("probe.bug")

    def _take_extra(self) -> None:
        """Targets that drills add and take away; one that is taken away is well for all we know."""
        wanted = read_extra_targets(self._extra_file) if self._extra_file is not None else ()
        gone = [one for one in self._extra if one not in wanted]
        fresh = [one for one in wanted if one not in self._extra]
        self._extra = wanted
        for target in fresh:
            self._start_looking(target)
        for target in gone:
            with self._lock:
                standing = self._standing.pop(target.name, Standing())
                self._newest.pop(target.name, None)
            if standing.is_failing:
                over = Standing(since=clock.now())
                state = SignalState.RESOLVED
                self._reporter.tell(make_signal(target, over, state=state, at=clock.now()))

    def _judge_late(self) -> None:
        hangs = Text(ja="応答を待ったまま戻りません", en="The look does not come back")
        for name in self.late():
            target = next((one for one in (*self._targets, *self._extra) if one.name == name), None)
            if target is None:
                continue
            late_s = self._rhythm.late_s
            seen = Seen(target=name, at=clock.now(), duration_s=late_s, failure=hangs, is_answered=False)
            self.note(target, seen)

    def _do(self, duty: Duty) -> None:
        if duty.hands_back:
            _log.warning("probe.hands_back")
            self._reporter.tell_all_again()
        if not duty.page or clock.monotonic_s() < self._next_call_s:
            return
        for condition in duty.page:
            call = make_call(condition, says=self._says(condition), since=self._since(condition))
            if self._caller.call(call):
                self._watch = note_paged(self._watch, condition)
            else:
                self._next_call_s = clock.monotonic_s() + _CALL_AGAIN_S

    def _says(self, condition: str) -> Text | None:
        signal = self._reporter.find(condition)
        return signal.summary if signal is not None and signal.state is SignalState.FIRING else None

    def _since(self, condition: str) -> datetime:
        signal = self._reporter.find(condition)
        silent_since = self._watch.silent_since or clock.now()
        return silent_since if condition == PLANE_CONDITION or signal is None else signal.started_at
