"""JSON log lines with one correlation id; secrets never reach the line.

One event is one line: `at`, `level`, `event`, `process`, `correlation_id`, `trace_id` and the fields given
as `extra={"fields": {...}}`. Personal data does not belong into logs at all: callers log ids, and what is
recognised as personal all the same (in the words of an exception, above all) is masked."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

import orjson

from hrx.kit.personal import mask_fields, mask_line

correlation_id: ContextVar[str | None] = ContextVar("hrx_correlation_id", default=None)
trace_id: ContextVar[str | None] = ContextVar("hrx_trace_id", default=None)


class JsonFormatter(logging.Formatter):
    """One record as one JSON line."""

    def __init__(self, *, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": mask_line(record.getMessage()),
            "logger": record.name,
            "process": self._process,
            "correlation_id": correlation_id.get(),
            "trace_id": trace_id.get(),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line.update(mask_fields(fields))
        if record.exc_info:
            line["exception"] = mask_line(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


def write_access_line(fields: dict[str, object]) -> None:
    """One line for one request, past logging machinery and masking (measured: 4 µs instead of 60).

    Right only for fields that can hold no secret: method, route template, status, duration, address, ids."""
    if _access.stream is None:
        return
    line = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": "info",
        "event": "request",
        "logger": "hrx.http",
        "process": _access.process,
        "correlation_id": correlation_id.get(),
        "trace_id": trace_id.get(),
        **fields,
    }
    # The answer has left already: a log that cannot be written (a full disk) must not break its connection.
    with suppress(OSError):
        _access.stream.write(orjson.dumps(line, default=str).decode() + "\n")
        _access.stream.flush()


@dataclass(slots=True)
class _Access:
    """Where access lines go; nowhere until `configure` was called."""

    stream: TextIO | None = None
    process: str = ""


_access = _Access()


def configure(*, process: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every logger of this process to one JSON stream (standard output unless told)."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter(process=process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    _access.stream = handler.stream if root.isEnabledFor(logging.INFO) else None
    _access.process = process
    # Access lines are written once by our own middleware, with the route template and the correlation id.
    for noisy in ("uvicorn.access", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
