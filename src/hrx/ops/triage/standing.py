"""Questions that nobody's rule asks, asked again and again by the console: clocks, promised indexes, leaks.

No series tells them, and each was a drill that nobody noticed. What is so at two looks in a row is told."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError, Text
from hrx.ops.check import Fact
from hrx.ops.run.plane import Plane
from hrx.ops.seams.looking import LookFailed
from hrx.ops.signal import Severity, Signal, SignalSink, SignalSource, SignalState
from hrx.ops.triage.eyes import Eyes
from hrx.ops.triage.registry import get_check

_log = logging.getLogger("hrx.ops.triage")
_EVERY_S: Final = 15.0
_CONFIRM_LOOKS: Final = 2
#: Sessions and signatures stand a difference of half a minute (SOP 5.2.2, cause clock-skew).
_SKEW_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One check asked for good. It is so when `fact` is true, or a number above `above`."""

    key: str
    name: str
    check: str
    fact: str
    part: str
    sop: str
    severity: Severity
    summary: Text
    params: Mapping[str, str]
    above: float = 0.0

    def is_so(self, facts: Mapping[str, Fact]) -> bool | None:
        """None when the check could not learn it: what is missing says nothing."""
        found = facts.get(self.fact)
        if isinstance(found, bool):
            return found
        return found > self.above if isinstance(found, int | float) else None


def _leak(part: str, *, ja: str, en: str) -> Question:
    return Question(
        key=f"memory-leak:{part}",
        name="MemoryLeak",
        check="part.resources",
        fact="is_leaking",
        part=part,
        sop="5.2.1" if part == "web" else "5.2.2",
        severity=Severity.MINOR,
        summary=Text(ja=f"{ja}のメモリーが増え続けています", en=f"The memory of {en} keeps growing"),
        params={"part": part},
    )


QUESTIONS: Final = (
    Question(
        key="clock-skew",
        name="ClockSkew",
        check="clock.skew",
        fact="worst_skew_s",
        above=_SKEW_S,
        part="api",
        sop="5.2.2",
        severity=Severity.MAJOR,
        summary=Text(ja="時計が 30 秒より大きくずれています", en="A clock is off by more than 30 s"),
        params={},
    ),
    Question(
        key="index-missing",
        name="IndexMissing",
        check="postgres.indexes",
        fact="missing",
        part="postgres",
        sop="5.2.3",
        severity=Severity.MINOR,
        summary=Text(ja="あるはずのインデックスがありません", en="A promised index is missing"),
        params={},
    ),
    _leak("api", ja="API", en="the API"),
    _leak("worker", ja="ワーカー", en="the worker"),
    _leak("web", ja="画面", en="the portal"),
)


class StandingQuestions:
    """Asks in a thread of its own; `ask_when_due` is a round of the ticker and waits for nobody."""

    def __init__(
        self, plane: Plane, *, tell: SignalSink, questions: tuple[Question, ...] = QUESTIONS
    ) -> None:
        self._plane = plane
        self._tell = tell
        self._questions = questions
        self._streak: dict[str, tuple[bool, int, datetime]] = {}
        self._told: dict[str, SignalState] = {}
        self._due_s = 0.0
        self._is_asking = False
        self._hands = ThreadPoolExecutor(max_workers=1, thread_name_prefix="standing")

    def ask_when_due(self, _plane: Plane) -> None:
        if self._is_asking or clock.monotonic_s() < self._due_s:
            return
        self._is_asking, self._due_s = True, clock.monotonic_s() + _EVERY_S
        self._hands.submit(self._ask)

    def close(self) -> None:
        self._hands.shutdown(wait=False, cancel_futures=True)

    def _ask(self) -> None:
        try:
            self.ask_once()
        finally:
            self._is_asking = False

    def ask_once(self) -> None:
        """Ask every question and tell what changed; what could not be taken in is told again."""
        eyes = Eyes(plane=self._plane)
        for one in self._questions:
            try:
                self._ask_one(eyes, one)
            # A database that is away answers one question less; the others are asked all the same.
            except (LookFailed, HrxError, OSError) as error:
                _log.info("standing.not_asked", extra={"fields": {"check": one.check, "says": str(error)}})
            # So they are after a bug in one look, else it would silence them for good.
            except Exception:  # noqa: BLE001
                _log.exception("standing.bug", extra={"fields": {"check": one.check}})

    def _ask_one(self, eyes: Eyes, one: Question) -> None:
        spec = get_check(one.check)
        found = one.is_so(spec.look(eyes, one.params, spec.timeout_s).facts)
        if found is not None:
            self._note(one, found)

    def _note(self, one: Question, found: bool) -> None:
        before, looks, since = self._streak.get(one.key, (found, 0, clock.now()))
        if before is not found:
            looks, since = 0, clock.now()
        self._streak[one.key] = (found, looks + 1, since)
        state = SignalState.FIRING if found else SignalState.RESOLVED
        if looks + 1 < _CONFIRM_LOOKS or self._told.get(one.key) is state:
            return
        signal = Signal(
            source=SignalSource.WATCHER,
            key=one.key,
            name=one.name,
            state=state,
            started_at=since,
            summary=one.summary,
            part=one.part,
            severity=one.severity,
            sop=one.sop,
        )
        self._tell([signal])
        self._told[one.key] = state
