"""Who read or changed what personal data: append-only entries, linked into a chain for each tenant.

`record` writes into the caller's own transaction and waits for nobody. A sealer (the worker, every second)
links what is committed; `verify_chain` recomputes everything. See migration 0002 for why it is split so."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform.db import open_database, send
from hrx.app.platform.tenancy import PersonId, TenantId, system_principal
from hrx.app.settings import AppSettings
from hrx.kit.settings import load

#: Entries linked in one transaction; measured 0.2 ms each.
SEAL_BATCH: Final = 1_000
#: Links checked in one statement, far below the statement time-out.
VERIFY_BATCH: Final = 20_000

_RECORD: Final = (
    "INSERT INTO app.audit_entry (action, subject_person_id, details, address)"
    " VALUES (:action, :subject_person_id, CAST(:details AS jsonb), :address)"
)


async def record(
    session: AsyncSession,
    *,
    action: str,
    subject_person_id: PersonId | int | None = None,
    details: Mapping[str, object] | None = None,
    address: str | None = None,
) -> None:
    """Add one entry to this transaction; who, when and which request are taken from the transaction itself.

    `action` is `noun.verb_in_past_tense`, such as `person.private_read`. `details` names fields, ids, counts
    and dates, never the values of personal fields: an entry can never be erased. One round trip."""
    await send(
        session,
        _RECORD,
        {
            "action": action,
            "subject_person_id": subject_person_id,
            "details": orjson.dumps(dict(details or {})).decode(),
            "address": address or session.info.get("address"),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainVerdict:
    """What a verification found. `first_broken_id` is the audit entry where the chain first fails."""

    is_valid: bool
    entries: int
    head_hash: str | None
    first_broken_id: int | None


async def seal(session: AsyncSession, *, tenant_id: TenantId, batch: int = SEAL_BATCH) -> int:
    """Link up to `batch` committed entries of one tenant; gives how many were linked."""
    sealed = await session.scalar(
        text("SELECT app.seal_audit(:tenant_id, :batch)"), {"tenant_id": tenant_id, "batch": batch}
    )
    return int(sealed or 0)


async def list_tenants_to_seal(session: AsyncSession) -> list[TenantId]:
    """Tenants with entries that are not linked yet."""
    rows = await session.scalars(text("SELECT app.list_tenants_to_seal()"))
    return [TenantId(row) for row in rows]


async def verify_chain(session: AsyncSession, *, tenant_id: TenantId) -> ChainVerdict:
    """Recompute the whole chain of one tenant; about 4 s for 100,000 entries, in statements of 20,000."""
    seq, entries = 0, 0
    last_hash = _genesis(tenant_id=tenant_id)
    broken: int | None = None
    while broken is None:
        found = await _verify_batch(session, tenant_id=tenant_id, after_seq=seq, prev=last_hash)
        if found.checked == 0:
            break
        entries, seq, last_hash = entries + found.checked, found.last_seq, found.last_hash
        broken = found.first_broken_id
    if broken is None:
        broken = await _find_loose_end(session, tenant_id=tenant_id, seq=seq, last_hash=last_hash)
    return ChainVerdict(
        is_valid=broken is None,
        entries=entries,
        head_hash=last_hash.hex() if entries else None,
        first_broken_id=broken,
    )


@dataclass(frozen=True, slots=True)
class _Batch:
    checked: int
    last_seq: int
    last_hash: bytes
    first_broken_id: int | None


def _genesis(*, tenant_id: TenantId) -> bytes:
    """What the first link builds on; the same constant as in app.seal_audit."""
    return hashlib.sha256(f"hrx.audit:{tenant_id}".encode()).digest()


async def _verify_batch(session: AsyncSession, *, tenant_id: TenantId, after_seq: int, prev: bytes) -> _Batch:
    row = (
        await session.execute(
            text(
                "SELECT checked, last_seq, last_hash, first_broken_entry_id"
                " FROM app.verify_audit_links(:tenant_id, :after_seq, :prev, :batch)"
            ),
            {"tenant_id": tenant_id, "after_seq": after_seq, "prev": prev, "batch": VERIFY_BATCH},
        )
    ).one()
    return _Batch(row.checked, row.last_seq or after_seq, row.last_hash or prev, row.first_broken_entry_id)


async def _find_loose_end(
    session: AsyncSession, *, tenant_id: TenantId, seq: int, last_hash: bytes
) -> int | None:
    """An entry outside the chain, or (as 0) a chain that is shorter than its recorded head."""
    head = (
        await session.execute(
            text("SELECT seq, hash FROM app.audit_head WHERE tenant_id = :tenant_id"),
            {"tenant_id": tenant_id},
        )
    ).one_or_none()
    unlinked = await session.scalar(
        text("SELECT app.find_unlinked_audit_entry(:tenant_id)"), {"tenant_id": tenant_id}
    )
    if unlinked is not None:
        return int(unlinked)
    if head is None:
        return 0 if seq else None
    return None if (head.seq, bytes(head.hash)) == (seq, last_hash) else 0


async def verify_every_tenant(settings: AppSettings) -> dict[TenantId, ChainVerdict]:
    """Link what waits and recompute every chain; the verification command."""
    database = open_database(
        settings.database_url.get_secret_value(), pool_size=1, statement_timeout_ms=600_000
    )
    verdicts = {}
    try:
        async with database.transaction(None) as session:
            tenants = [
                TenantId(row) for row in await session.scalars(text("SELECT app.list_active_tenants()"))
            ]
        for tenant_id in tenants:
            async with database.transaction(system_principal(tenant_id)) as session:
                while await seal(session, tenant_id=tenant_id) == SEAL_BATCH:
                    pass
                verdicts[tenant_id] = await verify_chain(session, tenant_id=tenant_id)
    finally:
        await database.close()
    return verdicts


def main() -> int:
    """`python -m hrx.app.platform.audit`: a JSON line for each tenant; exit code 1 when a chain is broken."""
    verdicts = asyncio.run(verify_every_tenant(load(AppSettings)))
    for tenant_id, verdict in verdicts.items():
        sys.stdout.buffer.write(orjson.dumps({"tenant_id": tenant_id, **asdict(verdict)}) + b"\n")
    return 0 if all(verdict.is_valid for verdict in verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
