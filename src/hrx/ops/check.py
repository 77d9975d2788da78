"""What a look saw, and what it means: pure data and decisions, no input or output.

A seam gives an Observation; a `check_*` function turns it into a Finding. Nothing here knows how to look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hrx.kit.errors import Text

Fact = str | int | float | bool | None


class Status(StrEnum):
    """How well something is; worse is later in the list, except that unknown is not an answer at all."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


_BADNESS = {Status.OK: 0, Status.UNKNOWN: 1, Status.DEGRADED: 2, Status.DOWN: 3}


def worst(statuses: tuple[Status, ...]) -> Status:
    """The status to show for several; OK when there are none."""
    return max(statuses, key=_BADNESS.__getitem__, default=Status.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one look at one thing gave: facts, or why there are none."""

    subject: str
    observed_at: datetime
    latency_ms: float
    facts: Mapping[str, Fact] = field(default_factory=dict)
    failure: Text | None = None

    @property
    def has_answer(self) -> bool:
        return self.failure is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question that can be asked at any time; `subject` is the part it is about."""

    id: str
    subject: str
    title: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The answer to a check, with what it rests on."""

    check: Check
    status: Status
    summary: Text
    evidence: Mapping[str, Fact]
    observed_at: datetime
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """What the supervisor of a machine says about one program."""

    state: str
    pid: int | None
    says: str = ""

    @property
    def is_running(self) -> bool:
        return self.state == "running"


def check_readiness(check: Check, seen: Observation) -> Finding:
    """How ready a part is, from its own answer to /readyz: `ready`, `degraded` or `not_ready`."""
    if seen.failure is not None:
        return _finding(check, seen, Status.DOWN, seen.failure)
    said = str(seen.facts.get("status", ""))
    if seen.facts.get("status_code") == 503 or said == "not_ready":
        return _finding(
            check, seen, Status.DOWN, Text(ja="まだ使えないと答えています", en="Answers that it is not ready")
        )
    if said == "degraded":
        lost = str(seen.facts.get("degraded") or "")
        return _finding(
            check,
            seen,
            Status.DEGRADED,
            Text(ja=f"一部の機能が低下: {lost}", en=f"Degraded: {lost}"),
        )
    return check_answer(check, seen)


def check_answer(check: Check, seen: Observation) -> Finding:
    """Whether a part answers at all; an HTTP answer of 400 or more counts as degraded."""
    if seen.failure is not None:
        return _finding(check, seen, Status.DOWN, seen.failure)
    code = seen.facts.get("status_code")
    if isinstance(code, int) and code >= 400:
        return _finding(
            check, seen, Status.DEGRADED, Text(ja=f"HTTP {code} を返しました", en=f"Answered HTTP {code}")
        )
    return _finding(check, seen, Status.OK, Text(ja="応答しています", en="Answers"))


def check_process(check: Check, process: ProcessFacts | None, *, at: datetime, is_expected: bool) -> Finding:
    """Whether a supervised program runs; one that is meant to rest (the idle slot) is well when stopped."""
    if process is None:
        return Finding(
            check=check,
            status=Status.UNKNOWN,
            summary=Text(ja="プロセス管理(supervisord)が応答しません", en="The supervisor does not answer"),
            evidence={},
            observed_at=at,
        )
    evidence: dict[str, Fact] = {"state": process.state, "pid": process.pid, "says": process.says}
    status, summary = _judge_process(process, is_expected=is_expected)
    return Finding(check=check, status=status, summary=summary, evidence=evidence, observed_at=at)


def _judge_process(process: ProcessFacts, *, is_expected: bool) -> tuple[Status, Text]:
    if process.is_running:
        return Status.OK, Text(ja="動いています", en="Running")
    if process.state in ("unknown", "absent"):
        return Status.UNKNOWN, Text(ja="状態が分かりません", en="Its state is not known")
    if process.state in ("starting", "stopping"):
        return Status.DEGRADED, Text(ja="起動または停止の途中です", en="Starting or stopping")
    if process.state == "stopped" and not is_expected:
        return Status.OK, Text(ja="待機中(止めてあります)", en="Resting (stopped on purpose)")
    reason = _NOT_RUNNING_JA.get(process.state, process.state)
    return Status.DOWN, Text(ja=f"動いていません({reason})", en=f"Not running ({process.state})")


_NOT_RUNNING_JA = {"stopped": "停止中", "failed": "起動に失敗", "absent": "プロセスなし"}


def _finding(check: Check, seen: Observation, status: Status, summary: Text) -> Finding:
    return Finding(
        check=check,
        status=status,
        summary=summary,
        evidence=seen.facts,
        observed_at=seen.observed_at,
        latency_ms=seen.latency_ms,
    )
