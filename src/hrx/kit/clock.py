"""The only source of "now": tests move it, nothing sleeps to make time pass."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

_offset: ContextVar[timedelta] = ContextVar("hrx_clock_offset", default=timedelta(0))


def now() -> datetime:
    """The present moment in UTC, moved by `shifted` when a test asked for it."""
    return datetime.now(UTC) + _offset.get()


def today(time_zone: str) -> date:
    """The calendar day now in an IANA zone such as Asia/Tokyo.

    Raises zoneinfo.ZoneInfoNotFoundError for an unknown zone."""
    return now().astimezone(ZoneInfo(time_zone)).date()


def monotonic_s() -> float:
    """Seconds that never go backwards, for measuring durations; not moved by `shifted`."""
    return time.monotonic()


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Inside the block, `now` and `today` are moved by this much (tests and drills only)."""
    token = _offset.set(_offset.get() + by)
    try:
        yield
    finally:
        _offset.reset(token)
