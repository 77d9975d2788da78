"""Locks that name their holder and expire by themselves.

A lock is for people as much as for programs: whoever meets it learns who holds it, why, since when and until
when. Nothing keeps it alive but its holder; a holder that died stops blocking others at the expiry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from hrx.kit import clock
from hrx.kit.errors import Conflict, NotFound, Text
from hrx.kit.processes import is_process_gone, name_this_process
from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.ledger.leases import (
    Lease,
    expire_lease,
    extend_lease,
    find_lease,
    list_leases,
    put_lease,
)


class LockHeld(Conflict):
    """Somebody else is changing the same thing."""

    code = "lock.held"

    def __init__(self, held: Lease) -> None:
        super().__init__(
            Text(
                ja=f"「{held.name}」は {held.owner} が {held.acquired_at:%H:%M:%S} UTC から使用中です"
                f"(理由: {held.reason}、期限: {held.expires_at:%H:%M:%S} UTC)",
                en=f"“{held.name}” is held by {held.owner} since {held.acquired_at:%H:%M:%S} UTC "
                f"({held.reason}), until {held.expires_at:%H:%M:%S} UTC",
            ),
            hint=Text(
                ja=f"終わるのを待つか、`hrx lock break {held.name}` で解除します(確認: `hrx lock show`)。",
                en=f"Wait, or look with `hrx lock show` and end it with `hrx lock break {held.name}`.",
            ),
        )
        self.held = held


class LockLost(Conflict):
    """The lock expired and somebody else took it; going on would be two hands on one thing."""

    code = "lock.lost"


def acquire(ledger: Ledger, name: str, *, owner: str, reason: str, valid_s: float) -> Lease:
    """Take the lock for `valid_s` seconds.

    Raises LockHeld while another holds it and its process may still be alive."""
    with ledger.store.write() as connection:
        now = clock.now()
        former = find_lease(connection, name)
        if former is not None and former.expires_at > now and not is_abandoned(former):
            raise LockHeld(former)
        taken = Lease(
            name=name,
            owner=owner,
            reason=reason,
            process=name_this_process(),
            version=former.version + 1 if former else 1,
            acquired_at=now,
            expires_at=now + timedelta(seconds=valid_s),
        )
        put_lease(connection, taken)
    return taken


def renew(ledger: Ledger, held: Lease, *, valid_s: float) -> Lease:
    """Keep the lock for another `valid_s` seconds from now. Raises LockLost when it is no longer ours."""
    expires_at = clock.now() + timedelta(seconds=valid_s)
    with ledger.store.write() as connection:
        if not extend_lease(connection, held, expires_at=expires_at):
            raise LockLost(
                Text(
                    ja=f"「{held.name}」のロックは期限が切れ、ほかの人に渡りました",
                    en=f"The lock on “{held.name}” expired and went to somebody else",
                ),
                hint=Text(
                    ja="`hrx lock show` で今の持ち主を確かめてください。",
                    en="See who has it now: `hrx lock show`.",
                ),
            )
    return replace(held, expires_at=expires_at)


def release(ledger: Ledger, held: Lease) -> None:
    """Give the lock back; harmless when it had expired."""
    with ledger.store.write() as connection:
        expire_lease(connection, held, at=clock.now())


@contextmanager
def holding(ledger: Ledger, name: str, *, owner: str, reason: str, valid_s: float) -> Iterator[Lease]:
    """Hold the lock inside the block."""
    held = acquire(ledger, name, owner=owner, reason=reason, valid_s=valid_s)
    try:
        yield held
    finally:
        release(ledger, held)


def list_held(ledger: Ledger) -> list[Lease]:
    """The locks that block somebody now."""
    now = clock.now()
    return [held for held in list_leases(ledger.store) if held.expires_at > now]


def break_lock(ledger: Ledger, name: str, *, actor: str, reason: str) -> Lease:
    """End somebody else's lock, on the record. Raises NotFound when nobody holds it."""
    with ledger.store.write() as connection:
        held = find_lease(connection, name)
        if held is None or held.expires_at <= clock.now():
            raise NotFound(
                Text(ja=f"「{name}」は誰も使用していません", en=f"Nobody holds “{name}”"),
                hint=Text(ja="`hrx lock show` で一覧できます。", en="`hrx lock show` lists the locks."),
                code="lock.not_held",
            )
        # A new version: the former holder notices at its next renewal and stops.
        put_lease(connection, replace(held, version=held.version + 1, expires_at=clock.now()))
        ledger.append_within(
            connection,
            Kind.LOCK_BROKEN,
            actor=actor,
            subject=name,
            body={"owner": held.owner, "held_for": held.reason, "reason": reason},
        )
    return held


def is_abandoned(held: Lease) -> bool:
    """Whether the holder was a process of this machine that no longer exists (kill -9, power cut).

    False when it ran elsewhere: another machine's processes cannot be seen, only waited for."""
    return is_process_gone(held.process)
