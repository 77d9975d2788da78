"""JSON log lines with one correlation id; secrets never reach the line.

One event is one line: `at`, `level`, `event`, `process`, `correlation_id`, `trace_id` and the fields given
as `extra={"fields": {...}}`. Personal data does not belong into logs at all: callers log ids."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

import orjson

from hrx.kit.secrets import mask_mapping, mask_text

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
            "event": mask_text(record.getMessage()),
            "logger": record.name,
            "process": self._process,
            "correlation_id": correlation_id.get(),
            "trace_id": trace_id.get(),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line.update(mask_mapping(fields))
        if record.exc_info:
            line["exception"] = mask_text(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


def configure(*, process: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every logger of this process to one JSON stream (standard output unless told)."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter(process=process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Access lines are written once by our own middleware, with the route template and the correlation id.
    for noisy in ("uvicorn.access", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
