"""What a rollout needs of a place: the edge's door, and the two slots behind it."""

from __future__ import annotations

from typing import Protocol

from hrx.ops.release.gating.counting import Counts
from hrx.ops.targets.edge import ServerLook, SlotEdge


class Hands(Protocol):
    """Everything raises Unavailable when the place does not answer; repeating a call changes nothing more."""

    @property
    def edge(self) -> SlotEdge:
        """The door."""

    def wake(self, service: str, slot: str) -> None:
        """Start the slot's process unless it runs; may return before it is ready."""

    def stop(self, service: str, slot: str) -> None:
        """Stop the slot's process and wait for its end; harmless when it does not run."""

    def is_running(self, service: str, slot: str) -> bool:
        """Whether the slot has a process, well or not."""

    def is_ready(self, service: str, slot: str) -> bool:
        """Whether the slot says that it is ready, asked at its own port, past the edge."""

    def is_alive(self, service: str, slot: str) -> bool:
        """Whether it answers there at all. That is enough to go back to: with the database down no version is
        ready, and the old one explains it as well as the new one."""


def count(server: ServerLook) -> Counts:
    """What the gate reads of a server."""
    return Counts(
        begun=server.begun,
        answered=server.answered,
        failed=server.failed,
        aborted=server.aborted,
        took=dict(server.took),
    )
