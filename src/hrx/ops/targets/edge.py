"""What a release may ask of the door in front of two slots: who gets which share of requests, and how they
do.

A service (`api`, `web`) has two slots, `blue` and `green`; a server of the edge is called `service-slot`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLook:
    """One server as the edge sees it now. Counters only grow, and start at 0 when the edge starts.

    `is_up`: it passes the edge's own health check. `is_late`: it did not answer that check in time, which is
    how a busy machine shows; one that is dead refuses. `is_taking`: new requests may go to it. `weight`: its
    part of new requests, against the other's. `in_use`: requests and streams that it is serving, with those
    queued.
    `begun`: requests passed on; `answered`: answers below 500 whose head has arrived; `failed`: answers 5xx
    and answers that never came; `aborted`: given up by clients. `took`: answers by the time to their head,
    keyed by the lower end of the bucket in ms."""

    is_up: bool
    is_taking: bool
    weight: int
    in_use: int
    begun: int
    answered: int
    failed: int
    aborted: int
    took: Mapping[int, int] = field(default_factory=dict)
    is_late: bool = False


class SlotEdge(Protocol):
    """The door. Every call raises Unavailable when it does not answer; repeating one changes nothing more."""

    def look(self, service: str) -> Mapping[str, ServerLook]:
        """Both slots of a service, by slot."""

    def check_on(self, service: str, slot: str) -> None:
        """Have the edge ask a resting slot for its health, without sending it a request of anybody."""

    def share(self, service: str, *, new: str, percent: int) -> None:
        """Send so many of a hundred new requests to slot `new` (1–99), the rest to the other."""

    def send_all(self, choices: Sequence[tuple[str, str]]) -> None:
        """Send all new requests of these (service, slot) there, in one command; the others keep what they
        have.

        The others stay warm: checked, and ready to take requests again with the next command."""

    def rest(self, service: str, slot: str) -> None:
        """No request any more, no health check: the slot may be stopped."""

    def keep(self, service: str, slot: str) -> None:
        """Every later start of the edge sends all requests of the service to this slot. Raises OSError."""

    def kept(self, service: str) -> str:
        """The slot that a start of the edge would choose."""
