"""How far the copy elsewhere reaches, and whether the backups' key is there and proven.

Read from what the keeper leaves, so that the figures age, and alerts come, also when the keeper is dead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from hrx.kit import clock
from hrx.kit.catalogue import COPY_COVERED, KEY_PROVEN, KEYS_MISSING
from hrx.kit.errors import HrxError
from hrx.ops.console.desk import Desk
from hrx.ops.recovery.elsewhere_state import read_state, state_file_of
from hrx.ops.recovery.key_care import count_missing, proven_at
from hrx.ops.recovery.site import Site, open_site

#: Keys change by hand, and asking the ledger costs a query.
_KEYS_EVERY_S: Final = 60.0


class CopiesFigures(Collector):
    """Read when Prometheus asks; the keys at most once a minute."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._site: Site = open_site(desk.plane.settings)
        self._looked_at_s: float | None = None
        self._proven_at_s: float | None = None
        self._missing = 0

    def describe(self) -> list[Metric]:
        """Nothing: the names are known without collecting."""
        return []

    def collect(self) -> Iterator[Metric]:
        covered = COPY_COVERED.family()
        if self._site.settings.offsite_url is not None:
            state = read_state(state_file_of(self._site))
            # Never copied: as old as can be, and not simply silent.
            at = state.covered_at if state else None
            covered.add_metric((), at.timestamp() if at else 0.0)
        yield covered
        self._look_at_keys()
        proven = KEY_PROVEN.family()
        if self._proven_at_s is not None:
            proven.add_metric((), self._proven_at_s)
        yield proven
        yield KEYS_MISSING.family(self._missing)

    def _look_at_keys(self) -> None:
        now_s = clock.monotonic_s()
        if self._looked_at_s is not None and now_s - self._looked_at_s < _KEYS_EVERY_S:
            return
        self._looked_at_s = now_s
        try:
            at = proven_at(self._desk.plane.ledger, self._site.key_file)
            self._proven_at_s = at.timestamp() if at else None
            self._missing = count_missing(self._site.folder, self._site.key_file)
        except HrxError:
            # A ledger or a folder that cannot be read has alerts of its own.
            self._proven_at_s = None
