"""How much text and archive there is of logs, how far back it goes, and what was lost (nothing)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from hrx.kit import clock
from hrx.kit.catalogue.operations import LOG_ARCHIVED_AT, LOG_LINES, LOG_LOST, LOG_OLDEST, LOG_SIZE
from hrx.ops.console.desk import Desk
from hrx.ops.observe.logs.files import folders_of, list_archived, list_closed, list_live
from hrx.ops.observe.logs.totals import read_totals

#: An archive of a year is thousands of files.
_LOOK_EVERY_S: Final = 60.0


class LogFigures(Collector):
    """Looked at anew once a minute at most."""

    def __init__(self, desk: Desk) -> None:
        self._folders = folders_of(desk.plane.settings)
        self._at_s: float | None = None
        self._sizes: dict[str, int] = {}
        self._oldest: datetime | None = None

    def describe(self) -> list[Metric]:
        """Nothing: the names are known without collecting."""
        return []

    def collect(self) -> Iterator[Metric]:
        if self._at_s is None or clock.monotonic_s() - self._at_s >= _LOOK_EVERY_S:
            self._look()
        sizes = LOG_SIZE.family()
        for store, size_bytes in self._sizes.items():
            sizes.add_metric((store,), size_bytes)
        yield sizes
        totals = read_totals(self._folders)
        for metric, value in ((LOG_LINES, totals.lines), (LOG_LOST, totals.lost)):
            family = metric.counter_family()
            family.add_metric((), value)
            yield family
        yield LOG_OLDEST.family(self._oldest.timestamp() if self._oldest else None)
        yield LOG_ARCHIVED_AT.family(totals.ended_at.timestamp() if totals.ended_at else None)

    def _look(self) -> None:
        archived = list_archived(self._folders)
        self._sizes = {
            "live": _total(list_live(self._folders)),
            "closed": _total([one.path for one in list_closed(self._folders)]),
            "archive": _total([one.path for one in archived]),
        }
        self._oldest = datetime.combine(archived[0].day, time(), UTC) if archived else None
        self._at_s = clock.monotonic_s()


def _total(paths: list[Path]) -> int:
    total = 0
    for path in paths:
        with suppress(OSError):
            total += path.stat().st_size
    return total
