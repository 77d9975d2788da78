"""Who may write, when the two servers cannot look at each other: a lease in an object store.

No clock of the day is trusted, and none is compared: the holder counts from the moment *before* it asked,
the taker from the moment *after* it saw, each by its own clock that only runs forward. So clocks may be
set to anything; only their speed is relied on, to within `drift`. The store's part is one promise: a
write that names what it replaces fails when that was replaced already.

The holder must have ended its server when its time is over, whether or not it is still able to think: see
`deadman`."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Final

_NEVER: Final = float("-inf")


def boot_s() -> float:
    """Seconds that run forward only, also while the machine sleeps (unlike the usual monotonic clock)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`ttl_s`: how long a grant lasts by the holder's clock. `stop_s`: within what time a server is dead for
    certain once its time is over. `drift`: by what share a clock may be too fast or too slow."""

    ttl_s: float = 6.0
    stop_s: float = 2.0
    drift: float = 0.02

    @property
    def renew_after_s(self) -> float:
        """A third of the time: two renewals may fail before the third is late."""
        return self.ttl_s / 3

    @property
    def wait_s(self) -> float:
        """What a taker waits by its own clock, were that too fast and the holder's too slow."""
        return (self.ttl_s / (1 - self.drift) + self.stop_s) * (1 + self.drift)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What lies in the store. `epoch` grows with each holder; `nonce` makes every content another one, so
    that a tag made of the content never comes back."""

    holder: str
    epoch: int
    is_released: bool
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The lease as it was read, with the store's tag for exactly this content."""

    lease: Lease
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A write that counts only if the store still has `only_if` (None: nothing). `at`: when it was sent."""

    lease: Lease
    only_if: str | None
    at: float


@dataclass(slots=True)
class Contender:
    """One server's part in it, without a clock and without a store: both are the caller's, so that every
    order of events can be tried. `name` is new at every start: whoever forgot is somebody else."""

    name: str
    terms: Terms
    _seen: Seen | None = None
    _seen_since: float = _NEVER
    _knows: bool = False
    _valid_until: float = _NEVER
    _renewed_at: float = _NEVER
    _has_released: bool = False
    #: When each of our contents was sent whose fate is not known yet.
    _sent: dict[str, float] = field(default_factory=dict)

    def is_writer(self, *, now: float) -> bool:
        """Whether this server may write at this moment of its own clock."""
        return now < self._valid_until

    @property
    def valid_until(self) -> float:
        """When its server has to be told to end, by its own clock."""
        return self._valid_until

    @property
    def epoch(self) -> int | None:
        """Of the lease as last seen."""
        return self._seen.lease.epoch if self._seen else None

    @property
    def needs_look(self) -> bool:
        """Whether the store has to be read before anything can be asked."""
        return not self._knows

    def observe(self, seen: Seen | None, *, now: float) -> None:
        """What a reading gave; `now` is when its answer was here."""
        if self._seen is None or seen is None or seen.tag != self._seen.tag:
            self._seen_since = now
        self._seen, self._knows = seen, True
        if seen is not None and seen.lease.nonce in self._sent:
            # An answer was lost, but the write had gone through: it counts from when it was sent.
            self._grant(sent_at=self._sent[seen.lease.nonce])

    def next_ask(self, *, now: float) -> Ask | None:
        """The write to send now, if any: a renewal, or a lease that is nobody's any more."""
        if not self._knows or self._has_released:
            return None
        held = self._seen
        if held is None:
            return self._ask(epoch=1, only_if=None, now=now)
        if held.lease.is_released:
            return self._ask(epoch=held.lease.epoch + 1, only_if=held.tag, now=now)
        if held.lease.holder == self.name:
            if now - self._renewed_at < self.terms.renew_after_s:
                return None
            return self._ask(epoch=held.lease.epoch, only_if=held.tag, now=now)
        if now - self._seen_since < self.terms.wait_s:
            return None
        return self._ask(epoch=held.lease.epoch + 1, only_if=held.tag, now=now)

    def granted(self, ask: Ask, *, tag: str, now: float) -> None:
        """The store took it."""
        self._seen_since, self._knows = now, True
        self._seen = Seen(lease=ask.lease, tag=tag)
        self._grant(sent_at=ask.at)

    def failed(self, ask: Ask) -> None:
        """The store refused it, or gave no answer: only another look tells."""
        del ask
        self._knows = False

    def release(self, *, now: float) -> Ask | None:
        """Give it back, for a planned switch; only to be sent once our server has ended. From this moment on
        it is no writer any more, whatever becomes of the request; to be one again takes a new contender."""
        self._valid_until, self._has_released = _NEVER, True
        held = self._seen
        if held is None or held.lease.holder != self.name:
            return None
        return Ask(
            lease=Lease(
                holder=self.name, epoch=held.lease.epoch, is_released=True, nonce=secrets.token_hex(8)
            ),
            only_if=held.tag,
            at=now,
        )

    def _ask(self, *, epoch: int, only_if: str | None, now: float) -> Ask:
        lease = Lease(holder=self.name, epoch=epoch, is_released=False, nonce=secrets.token_hex(8))
        self._sent[lease.nonce] = now
        return Ask(lease=lease, only_if=only_if, at=now)

    def _grant(self, *, sent_at: float) -> None:
        if self._has_released:
            return
        self._valid_until = max(self._valid_until, sent_at + self.terms.ttl_s)
        self._renewed_at = sent_at
        self._sent = {}
