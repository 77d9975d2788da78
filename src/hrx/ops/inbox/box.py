"""What arrived, bounded: the newest messages in memory and in a file; and how each stand-in behaves."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.kit import clock

KEPT: Final = 500
#: The file is written anew when it has grown to this many lines.
_LINES_MAX: Final = 2 * KEPT


class StandIn(StrEnum):
    """Whom we stand in for."""

    SLACK = "slack"
    PAGERDUTY = "pagerduty"
    EMAIL = "email"
    WEBHOOK = "webhook"


class Mood(StrEnum):
    """How a stand-in answers: as it should, with a fault, "too many", never, or with a refusal for good."""

    WELL = "well"
    FAULT = "fault"
    THROTTLED = "throttled"
    HANGS = "hangs"
    REFUSES = "refuses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message that arrived. `body` is what the protocol brought; its shape belongs to the stand-in."""

    id: int
    at: str
    stand_in: StandIn
    to: str
    key: str
    title: str
    # `Any`: JSON.
    body: dict[str, Any]


class Box:
    """Everything that arrived and every mood. Safe for several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._moods = dict.fromkeys(StandIn, Mood.WELL)
        self._messages: deque[Message] = deque(_read(path), maxlen=KEPT)
        self._last = self._messages[-1].id if self._messages else 0
        self._lines = len(self._messages)
        path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, stand_in: StandIn, *, to: str, key: str, title: str, body: dict[str, Any]) -> Message:
        """Keep a message; on disk when this returns."""
        with self._lock:
            self._last += 1
            message = Message(
                id=self._last,
                at=clock.now().isoformat(timespec="milliseconds"),
                stand_in=stand_in,
                to=to,
                key=key,
                title=title,
                body=body,
            )
            self._messages.append(message)
            self._write(message)
        return message

    def list_newest(self, *, limit: int = KEPT) -> list[Message]:
        with self._lock:
            return list(reversed(self._messages))[:limit]

    def clear(self) -> None:
        """Forget what arrived; numbers go on, so that nobody takes a new message for an old one."""
        with self._lock:
            self._messages.clear()
            self._rewrite()

    def mood(self, stand_in: StandIn) -> Mood:
        return self._moods[stand_in]

    def set_mood(self, stand_in: StandIn, mood: Mood) -> None:
        self._moods[stand_in] = mood

    def moods(self) -> dict[StandIn, Mood]:
        return dict(self._moods)

    def _write(self, message: Message) -> None:
        self._lines += 1
        if self._lines > _LINES_MAX:
            self._rewrite()
            return
        with self._path.open("ab") as out:
            out.write(orjson.dumps(asdict(message)) + b"\n")

    def _rewrite(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(b"".join(orjson.dumps(asdict(one)) + b"\n" for one in self._messages))
        fresh.replace(self._path)
        self._lines = len(self._messages)


def _read(path: Path) -> list[Message]:
    """What an earlier process kept; a line cut off by a crash is left out."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_bytes().splitlines()[-KEPT:]:
        try:
            said = orjson.loads(line)
            found.append(Message(**{**said, "stand_in": StandIn(said["stand_in"])}))
        except (ValueError, TypeError, KeyError):
            continue
    return found
