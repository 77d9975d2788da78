"""The two slots of this machine for a release: woken by the supervisor, asked at their own ports, given
requests by the edge."""

from __future__ import annotations

import http.client
from contextlib import closing
from typing import Final, Protocol

from hrx.ops.targets.edge import SlotEdge
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.ports import read_remembered
from hrx.ops.targets.machine.shares import MachineEdge
from hrx.ops.targets.target import PartState, PartStatus

#: Where each service says whether it is ready, and whether it runs.
READY_PATHS: Final = {"api": "/readyz", "web": "/web/readyz"}
ALIVE_PATHS: Final = {"api": "/livez", "web": "/web/livez"}
_ASK_WITHIN_S: Final = 3.0
_START_WITHIN_S: Final = 60.0
_STOP_WITHIN_S: Final = 60.0


class _Parts(Protocol):
    """The powers over processes that are needed here, of `target.Target`."""

    def list_parts(self) -> list[PartStatus]: ...

    def start_part(self, name: str, *, timeout_s: float) -> PartStatus: ...

    def stop_part(self, name: str, *, timeout_s: float) -> PartStatus: ...


class MachineSlots:
    """Implements `release.strategies.hands.Hands`. `ports`: of each slot, by `service_slot`."""

    def __init__(self, *, edge: SlotEdge, parts: _Parts, ports: dict[str, int]) -> None:
        self._edge, self._parts, self._ports = edge, parts, ports

    @property
    def edge(self) -> SlotEdge:
        return self._edge

    def wake(self, service: str, slot: str) -> None:
        """Raises Unavailable when the supervisor cannot start it."""
        name = f"{service}-{slot}"
        states = {part.name: part.state for part in self._parts.list_parts()}
        if states.get(name) is not PartState.RUNNING:
            self._parts.start_part(name, timeout_s=_START_WITHIN_S)

    def stop(self, service: str, slot: str) -> None:
        """Raises Unavailable when the supervisor cannot stop it."""
        self._parts.stop_part(f"{service}-{slot}", timeout_s=_STOP_WITHIN_S)

    def is_running(self, service: str, slot: str) -> bool:
        states = {part.name: part.state for part in self._parts.list_parts()}
        return states.get(f"{service}-{slot}") in (PartState.RUNNING, PartState.STARTING)

    def is_ready(self, service: str, slot: str) -> bool:
        return self._answers(service, slot, READY_PATHS.get(service, "/readyz"))

    def is_alive(self, service: str, slot: str) -> bool:
        return self._answers(service, slot, ALIVE_PATHS.get(service, "/livez"))

    def _answers(self, service: str, slot: str, path: str) -> bool:
        port = self._ports.get(f"{service}_{slot}")
        if port is None:
            return False
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_ASK_WITHIN_S)) as connection:
                connection.request("GET", path)
                return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def find_slots(layout: Layout) -> MachineSlots:
    """The slots of the stack in this folder, as its last start left them."""
    machine = Machine(layout)
    return MachineSlots(
        edge=MachineEdge(send=machine.send_to_edge, folder=layout.run / "edge"),
        parts=machine,
        ports=dict(read_remembered(layout.ports_file)),
    )
