"""One line of a log, whoever wrote it: the shape that search, archive, console and command share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any


class Level(IntEnum):
    """From least to worst; the order is that of `at least this`."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50

    @property
    def word(self) -> str:
        return self.name.lower()


#: The levels by their word, for forms and commands.
LEVELS = {level.word: level for level in Level}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One line, secrets and personal data masked. `at` is UTC.

    `part` is whose file it stood in, `service` the part without its slot; `offset` is where the line begins
    in its file (bytes), which orders lines of one moment. A line that names no moment of its own (a torn one,
    the rest of a longer message) has that of the line before it and says so by `is_dated`."""

    at: datetime
    level: Level
    part: str
    service: str
    event: str
    correlation_id: str | None = None
    trace_id: str | None = None
    # `Any`: values of JSON.
    fields: Mapping[str, Any] = field(default_factory=dict)
    offset: int = 0
    is_dated: bool = True

    @property
    def summary(self) -> str:
        """The message, and of an access line what was asked for, in at most 300 characters."""
        said = self.fields
        asked = (said.get("method"), said.get("route", said.get("path")), said.get("status"))
        took = f"{said['duration_ms']} ms" if "duration_ms" in said else None
        return " ".join(str(one) for one in (self.event, *asked, took) if one not in (None, ""))[:300]

    def to_document(self) -> dict[str, Any]:
        """As JSON for commands; moments in ISO 8601."""
        return {
            "at": self.at.isoformat(timespec="milliseconds"),
            "level": self.level.word,
            "part": self.part,
            "service": self.service,
            "event": self.event,
            "correlation_id": self.correlation_id,
            "trace_id": self.trace_id,
            "fields": dict(self.fields),
        }


def service_of(part: str) -> str:
    """The part without its slot."""
    return part.removesuffix("-blue").removesuffix("-green")
