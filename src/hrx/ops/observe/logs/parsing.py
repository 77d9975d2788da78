"""Lines of every program as records: our JSON, HAProxy, PostgreSQL, Redis, Go programs, supervisord.

Nothing is refused. A torn or foreign line is a record of its own text, with the moment and the level of the
line before it; whoever looks for what went wrong needs exactly those lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from hrx.kit.personal import mask_fields, mask_line
from hrx.ops.observe.logs.records import Level, LogRecord, service_of

#: A line longer than this is cut: nobody reads it, and one runaway line must not cost the memory of a search.
LINE_LIMIT: Final = 64 * 1024
_MOMENTS: Final = ("at", "ts", "time", "timestamp")
_EVENTS: Final = ("event", "msg", "message")
_OWN: Final = frozenset({*_MOMENTS, "level", "correlation_id", "trace_id", "process"})
#: Fields that hold no words of people: looked at for nothing, they would take half of the time of reading.
_PLAIN: Final = frozenset(
    (
        *_MOMENTS,
        *("level", "logger", "process", "correlation_id", "trace_id", "method", "route", "status"),
        *("duration_ms", "address", "user_id", "tenant_id", "ended", "backend", "server", "caller", "source"),
    )
)
_LEVELS: Final = {
    "trace": Level.DEBUG,
    "debug": Level.DEBUG,
    "verbose": Level.DEBUG,
    "info": Level.INFO,
    "notice": Level.INFO,
    "log": Level.INFO,
    "warn": Level.WARNING,
    "warning": Level.WARNING,
    "alert": Level.ERROR,
    "error": Level.ERROR,
    "erro": Level.ERROR,
    "crit": Level.CRITICAL,
    "critical": Level.CRITICAL,
    "fatal": Level.CRITICAL,
    "panic": Level.CRITICAL,
}
_POSTGRES: Final = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (?P<zone>\w+) \[(?P<pid>\d+)\] "
    r"(?:(?P<user>[^@\s]+)@(?P<database>\S+) (?P<application>.*?) )?(?P<level>[A-Z]+\d?):\s+(?P<event>.*)",
    re.S,
)
#: PostgreSQL's further lines about the message before.
_FURTHER: Final = frozenset({"DETAIL", "HINT", "CONTEXT", "STATEMENT", "QUERY", "LOCATION", "BACKTRACE"})
_APPLICATION_ID: Final = re.compile(r"hrx ([A-Za-z0-9_-]{8,64})")
_REDIS: Final = re.compile(
    r"(?P<pid>\d+):(?P<role>[A-Z]) (?P<at>\d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3}) "
    r"(?P<level>[.\-*#]) (?P<event>.*)",
    re.S,
)
_REDIS_LEVELS: Final = {".": Level.DEBUG, "-": Level.DEBUG, "*": Level.INFO, "#": Level.WARNING}
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_SUPERVISOR: Final = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) (?P<level>[A-Z]{4}) (?P<event>.*)", re.S
)
_HAPROXY: Final = re.compile(r"\[(?P<level>[A-Z]+)\]\s+\((?P<pid>\d+)\) : (?P<event>.*)", re.S)
#: What HAProxy says of servers in its raw log, which names no level.
_HAPROXY_DOWN: Final = re.compile(r"has no server available|is DOWN|is stopping|Proxy .* stopped")
_LOGFMT: Final = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


class LineReader:
    """Lines of one file in their order; remembers the line before, whose moment undated lines take.

    `before` is the moment for lines that come before any dated one (the file's own)."""

    def __init__(self, part: str, *, before: datetime) -> None:
        self._part = part
        self._service = service_of(part)
        self._at = before
        self._level = Level.INFO
        self._id: str | None = None
        self._offset = 0

    def read(self, line: bytes, *, offset: int) -> LogRecord:
        """The record of one line without its line break."""
        text = line[:LINE_LIMIT].decode(errors="replace").rstrip("\r")
        self._offset = offset
        found = self._read_json(text) if text.startswith("{") else None
        if found is None:
            found = self._read_plain(text)
        self._at, self._level, self._id = found.at, found.level, found.correlation_id
        return found

    def _read_json(self, text: str) -> LogRecord | None:
        try:
            said = orjson.loads(text)
        except ValueError:
            return None
        if not isinstance(said, dict):
            return None
        plain = {name: value for name, value in said.items() if name in _PLAIN}
        if len(plain) < len(said):
            plain |= mask_fields({name: value for name, value in said.items() if name not in plain})
        return self._from_mapping(plain)

    # `Any`: values of JSON.
    def _from_mapping(self, said: Mapping[str, Any]) -> LogRecord:
        at = next((found for name in _MOMENTS if (found := _moment(said.get(name))) is not None), None)
        key = next((name for name in _EVENTS if isinstance(said.get(name), str)), None)
        level = _LEVELS.get(str(said.get("level", "")).lower(), Level.INFO)
        status = said.get("status")
        if isinstance(status, int) and status >= 500 and level < Level.ERROR:
            # An answer that failed is looked for among errors, whatever its access line calls itself.
            level = Level.ERROR
        return LogRecord(
            at=at or self._at,
            level=level,
            part=self._part,
            service=self._service,
            event=str(said[key]) if key else "",
            correlation_id=_text_or_none(said.get("correlation_id")),
            trace_id=_text_or_none(said.get("trace_id")),
            fields={name: value for name, value in said.items() if name not in _OWN and name != key},
            offset=self._offset,
            is_dated=at is not None,
        )

    def _read_plain(self, text: str) -> LogRecord:
        masked = mask_line(text)
        for form in _FORMS:
            found = form(self, masked)
            if found is not None:
                return found
        return self._undated(masked, level=self._level)

    def _undated(self, event: str, *, level: Level, **fields: object) -> LogRecord:
        return LogRecord(
            at=self._at,
            level=level,
            part=self._part,
            service=self._service,
            event=event,
            # The rest of a message belongs to the request that the message belongs to.
            correlation_id=self._id if event[:1] in (" ", "\t", "") else None,
            fields=fields,
            offset=self._offset,
            is_dated=False,
        )

    def _postgres(self, text: str) -> LogRecord | None:
        found = _POSTGRES.match(text)
        if found is None:
            return None
        application = found["application"] or ""
        named = _APPLICATION_ID.search(application)
        word = found["level"]
        fields = {"pid": int(found["pid"])}
        more = {"user": found["user"], "database": found["database"], "application": application}
        level = self._level if word in _FURTHER else _LEVELS.get(word.rstrip("12345").lower(), Level.INFO)
        return LogRecord(
            at=datetime.fromisoformat(found["at"]).replace(tzinfo=UTC),
            level=level,
            part=self._part,
            service=self._service,
            event=found["event"] if word not in _FURTHER else f"{word}: {found['event']}",
            correlation_id=named[1] if named else None,
            fields=fields | {name: value for name, value in more.items() if value},
            offset=self._offset,
        )

    def _redis(self, text: str) -> LogRecord | None:
        found = _REDIS.match(text)
        if found is None:
            return None
        day, month, year, clock = found["at"].split(" ")
        if month not in _MONTHS:
            return None
        at = _moment(f"{year}-{_MONTHS[month]:02}-{day} {clock}")
        return self._dated(at, _REDIS_LEVELS[found["level"]], found["event"], pid=int(found["pid"]))

    def _supervisor(self, text: str) -> LogRecord | None:
        found = _SUPERVISOR.match(text)
        if found is None:
            return None
        at = _moment(found["at"].replace(",", "."))
        return self._dated(at, _LEVELS.get(found["level"].lower(), Level.INFO), found["event"])

    def _haproxy(self, text: str) -> LogRecord | None:
        if self._service != "haproxy":
            return None
        found = _HAPROXY.match(text)
        if found is not None:
            level = _LEVELS.get(found["level"].lower(), Level.INFO)
            return self._undated(found["event"], level=level, pid=int(found["pid"]))
        down = _HAPROXY_DOWN.search(text)
        return self._undated(text, level=Level.WARNING if down else Level.INFO) if text else None

    def _logfmt(self, text: str) -> LogRecord | None:
        if not text.startswith(("ts=", "time=", "level=")):
            return None
        said = {name: value.strip('"') for name, value in _LOGFMT.findall(text)}
        return self._from_mapping(said) if "msg" in said else None

    def _dated(self, at: datetime | None, level: Level, event: str, **fields: object) -> LogRecord | None:
        if at is None:
            return None
        return LogRecord(
            at=at,
            level=level,
            part=self._part,
            service=self._service,
            event=event,
            fields=fields,
            offset=self._offset,
        )


_FORMS: Final[tuple[Callable[[LineReader, str], LogRecord | None], ...]] = (
    LineReader._postgres,
    LineReader._redis,
    LineReader._supervisor,
    LineReader._haproxy,
    LineReader._logfmt,
)


def read_lines(block: bytes, reader: LineReader, *, offset: int = 0) -> Iterator[LogRecord]:
    """The records of whole lines; `offset` is where the block begins in its file. Empty lines are none."""
    for line in block.split(b"\n"):
        if line.strip():
            yield reader.read(line, offset=offset)
        offset += len(line) + 1


def names_moment(line: bytes) -> bool:
    """Whether a line says when it was written, so that reading may begin with it."""
    return find_moment((line,)) is not None


def find_moment(lines: Iterable[bytes]) -> datetime | None:
    """The moment of the first line that names one: that of the lines before it, too."""
    reader = LineReader("", before=_NEVER)
    found = (reader.read(line.rstrip(b"\n"), offset=0) for line in lines if line.strip())
    return next((one.at for one in found if one.is_dated), None)


_NEVER: Final = datetime.min.replace(tzinfo=UTC)


# `Any`: a value of JSON.
def _moment(value: Any) -> datetime | None:
    """ISO 8601 or seconds since 1970 (or milliseconds); None for anything else."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        if not isinstance(value, str) or len(value) < 19:
            return None
        # Go writes nanoseconds, of which Python takes six digits.
        found = datetime.fromisoformat(_NANOSECONDS.sub(r"\1", value))
    except (ValueError, OverflowError, OSError):
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


_NANOSECONDS: Final = re.compile(r"(\.\d{6})\d+")


# `Any`: a value of JSON.
def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
