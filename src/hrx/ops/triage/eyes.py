"""The eyes of a triage: what the plane knows, asked once for all checks of one run.

Everything here reads. What is asked twice by several checks (the supervisor's list) is asked once."""

from __future__ import annotations

import csv
import io
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.kit.settings import SecretStr
from hrx.ops.run.plane import Plane
from hrx.ops.targets.target import PartState, PartStatus

#: The groups of parts that have two slots; `api` means whichever of them is live.
SLOTTED: Final = ("api", "web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """One triage's view. `at` is when it began; `window_s` how far back logs are read."""

    plane: Plane
    at: datetime = field(default_factory=clock.now)
    window_s: float = 120.0
    _parts: list[dict[str, PartStatus]] = field(default_factory=list)
    _edge: list[frozenset[str]] = field(default_factory=list)
    _asking: threading.Lock = field(default_factory=threading.Lock)

    @property
    def parts(self) -> dict[str, PartStatus]:
        """Every part as the supervisor tells it; asked once."""
        with self._asking:
            if not self._parts:
                self._parts.append({status.name: status for status in self.plane.target.list_parts()})
            return self._parts[0]

    def find_part(self, name: str) -> PartStatus:
        """A part by name, `api` and `web` meaning their live slot."""
        resolved = self.resolve(name)
        return self.parts.get(resolved, PartStatus(name=resolved, state=PartState.UNKNOWN))

    def resolve(self, name: str) -> str:
        """The part that a name means now: of two slots the running one, blue when neither or both run."""
        if name not in SLOTTED:
            return name
        slots = [f"{name}-blue", f"{name}-green"]
        # The edge knows who is live, also while a slot is started by somebody else than the supervisor.
        taking = [slot for slot in slots if slot in self.edge_servers]
        running = [slot for slot in slots if self._runs(slot)]
        return next(iter([*taking, *running, *slots]))

    @property
    def edge_servers(self) -> frozenset[str]:
        """The slots that the edge is told to use, well or not; empty when it does not answer. Asked once."""
        with self._asking:
            if not self._edge:
                self._edge.append(_read_servers(self.plane))
            return self._edge[0]

    def url_of(self, name: str) -> str | None:
        """Where a part answers, by its own address, past the edge; None when nobody knows."""
        resolved = self.resolve(name)
        info = next((part for part in self.plane.content.parts if part.name == resolved), None)
        found = getattr(self.plane.settings, info.url_setting, None) if info and info.url_setting else None
        if isinstance(found, SecretStr):
            return found.get_secret_value()
        return str(found).rstrip("/") if found else None

    def metrics_url_of(self, name: str) -> str | None:
        """The part's own page of figures."""
        settings, resolved = self.plane.settings, self.resolve(name)
        pages = {
            "api-blue": settings.api_blue_metrics_url,
            "api-green": settings.api_green_metrics_url,
            "worker": settings.worker_url.rstrip("/") + "/metrics",
            "scoring": settings.scoring_url.rstrip("/") + "/metrics",
            "haproxy": settings.haproxy_stats_url.rstrip("/") + "/metrics",
        }
        return pages.get(resolved)

    def tail(self, name: str, *, size_bytes: int = 1_000_000) -> str:
        """The end of a part's log, read from its file, so that it works when the part does not."""
        return self.plane.target.tail_log(self.resolve(name), size_bytes=size_bytes)

    def _runs(self, name: str) -> bool:
        status = self.parts.get(name)
        return status is not None and status.state in (PartState.RUNNING, PartState.STARTING)


def _read_servers(plane: Plane) -> frozenset[str]:
    try:
        said = plane.target.send_to_edge("show stat")
    except HrxError:
        return frozenset()
    rows = csv.DictReader(io.StringIO(said.removeprefix("# ")))
    return frozenset(
        str(row["svname"])
        for row in rows
        if row.get("pxname") in SLOTTED and str(row.get("status", "")).startswith(("UP", "DOWN", "no check"))
    )
