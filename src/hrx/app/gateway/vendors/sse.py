"""Server-sent events from bytes as they come, cut anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hrx.app.gateway.failures import malformed

#: No vendor sends larger events; who does would fill our memory.
LARGEST_EVENT_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SseEvent:
    name: str
    data: bytes


class SseParser:
    """Comments (keep-alives) are dropped, several data lines are joined, CR LF and LF both end a line."""

    def __init__(self) -> None:
        self._rest = b""
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events that are complete now. Raises VendorFailure when one grows beyond all bounds."""
        lines = (self._rest + chunk).split(b"\n") if self._rest else chunk.split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) + self._size > LARGEST_EVENT_BYTES:
            raise malformed("an event without an end")
        found: list[SseEvent] = []
        for line in lines:
            self._take(line[:-1] if line.endswith(b"\r") else line, found)
        return found

    def _take(self, line: bytes, found: list[SseEvent]) -> None:
        if line.startswith(b"data:"):
            value = line[6:] if line.startswith(b"data: ") else line[5:]
            self._data.append(value)
            self._size += len(value)
        elif not line:
            if self._data:
                found.append(SseEvent(name=self._name, data=b"\n".join(self._data)))
            self._name, self._data, self._size = "", [], 0
        elif line.startswith(b"event:"):
            self._name = line[6:].strip().decode("latin-1")
        elif not line.startswith((b":", b"id:", b"retry:")):
            raise malformed("a line that belongs to no event stream")
