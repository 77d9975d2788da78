"""How recovery stands, looked up for every page and for Prometheus together: the vault at most so often.

What would be lost now is read anew each time: it is one small file."""

from __future__ import annotations

import threading
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.ops.recovery.positions import AtRisk, Position, find_at_risk, read_position
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standing import Standing, bring_up_to_date, read_standing

#: The vault is looked through at most so often; positions are read at every asking.
_VAULT_EVERY_S: Final = 10.0


class Standings:
    """The newest picture, kept for ten seconds. Never asked on the event loop: it reads folders."""

    def __init__(self, site: Site) -> None:
        self.site: Final = site
        self._turn = threading.Lock()
        self._looked_at_s = -_VAULT_EVERY_S
        self._found: Standing | HrxError | None = None

    def get(self) -> Standing:
        """Raises PlaceUnavailable when the folder of the backups cannot be read."""
        found = self._look()
        if isinstance(found, HrxError):
            raise found
        return bring_up_to_date(found, position=read_position(self.site.position_file), now=clock.now())

    def find(self) -> Standing | None:
        """The same; None when it cannot be told."""
        try:
            return self.get()
        except HrxError:
            return None

    def read_risk(self) -> tuple[Position | None, AtRisk | None]:
        """What was last known of the database, and what would be lost this second."""
        position = read_position(self.site.position_file)
        if position is None:
            return None, None
        return position, find_at_risk(position.samples, received=position.received_lsn, now=clock.now())

    def _look(self) -> Standing | HrxError:
        with self._turn:
            now_s = clock.monotonic_s()
            if self._found is None or now_s - self._looked_at_s >= _VAULT_EVERY_S:
                self._looked_at_s = now_s
                try:
                    self._found = read_standing(self.site)
                except HrxError as error:
                    self._found = error
            return self._found
