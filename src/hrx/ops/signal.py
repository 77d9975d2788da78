"""Signals: what somebody or something says about the state of the system, in one shape whoever says it.

Pure data. Intake turns a webhook, a look, a probe, a person's words into Signals; `incidents` decides what
they mean together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from hrx.kit.errors import Text


class Severity(IntEnum):
    """How bad, as in runbook 5.1: 1 is worst."""

    CRITICAL = 1
    MAJOR = 2
    MINOR = 3
    TRIVIAL = 4

    @property
    def label(self) -> str:
        return f"SEV{int(self)}"


class SignalSource(StrEnum):
    """Who says so."""

    ALERTMANAGER = "alertmanager"
    WEBHOOK = "webhook"
    CONSOLE = "console"
    CLI = "cli"
    #: The plane's own looks at the parts: independent of Prometheus.
    WATCHER = "watcher"
    #: The second process, which looks as an outsider.
    PROBE = "probe"
    #: Patterns in the logs: attacks, leaks.
    DETECTOR = "detector"
    DRILL = "drill"


class SignalState(StrEnum):
    """Whether the thing said is so, or no longer so."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One statement. `key` names the condition, so that the same condition told twice is one condition.

    `part` is a name of runbook/parts.yaml or None; `sop` the section (`5.2.2`) that answers it, None when
    the part decides; `severity` None lets the catalogue decide."""

    source: SignalSource
    key: str
    name: str
    state: SignalState
    started_at: datetime
    summary: Text
    part: str | None = None
    severity: Severity | None = None
    sop: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    is_security: bool = False


#: Where a room below `incidents` says what it noticed.
SignalSink = Callable[[Sequence[Signal]], None]
