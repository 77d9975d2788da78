"""The audit trail: who read or changed what, and whether anybody tampered with it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from hrx.app.identity import queries
from hrx.app.platform import audit
from hrx.app.platform.edge import (
    MAX_ID,
    CurrentPrincipal,
    CursorParam,
    EdgeParts,
    LimitParam,
    Transaction,
    require,
)
from hrx.app.platform.paging import DEFAULT_LIMIT
from hrx.app.platform.tenancy import Role

router = APIRouter(tags=["audit"], dependencies=[require(Role.OWNER, Role.AUDITOR)])
_LISTING = "audit"
OptionalId = Annotated[int | None, Query(ge=1, le=MAX_ID)]


class Actor(BaseModel):
    id: int
    name: str | None


class AuditEntry(BaseModel):
    id: int
    at: datetime
    actor: Actor | None
    action: str
    subject_person_id: int | None
    #: `Any` because each action has details of its own.
    details: dict[str, Any]
    address: str | None
    correlation_id: str


class AuditEntries(BaseModel):
    items: list[AuditEntry]
    total: int | None = None
    next_cursor: str | None


class Verdict(BaseModel):
    is_valid: bool
    entries: int
    head_hash: str | None
    first_broken_id: int | None


def _entry(row: queries.AnyRow) -> AuditEntry:
    actor = None if row.actor_user_id is None else Actor(id=row.actor_user_id, name=row.actor_name)
    return AuditEntry(
        id=row.id,
        at=row.at,
        actor=actor,
        action=row.action,
        subject_person_id=row.subject_person_id,
        details=row.details,
        address=row.address,
        correlation_id=row.correlation_id,
    )


@router.get("/audit")
async def list_audit(
    session: Transaction,
    parts: EdgeParts,
    actor: OptionalId = None,
    action: Annotated[str | None, Query(max_length=80)] = None,
    subject_person_id: OptionalId = None,
    from_: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    to: AwareDatetime | None = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> AuditEntries:
    """Entries, newest first; `action` may be the beginning of a name such as `person.`."""
    wanted = queries.AuditFilter(
        actor_user_id=actor, action=action, subject_person_id=subject_person_id, from_at=from_, to_at=to
    )
    before = parts.cursors.read(cursor, listing=_LISTING)[0] if cursor else None
    rows = await queries.list_audit(
        session, wanted=wanted, before_id=None if before is None else int(before), limit=limit
    )
    page = rows[:limit]
    next_cursor = parts.cursors.sign(listing=_LISTING, after=[page[-1].id]) if len(rows) > limit else None
    return AuditEntries(items=[_entry(row) for row in page], next_cursor=next_cursor)


@router.get("/audit/verify")
async def verify_audit(session: Transaction, principal: CurrentPrincipal) -> Verdict:
    """Recompute the whole chain; `first_broken_id` 0 means that its end was cut off."""
    while await audit.seal(session, tenant_id=principal.tenant_id) == audit.SEAL_BATCH:
        pass
    verdict = await audit.verify_chain(session, tenant_id=principal.tenant_id)
    return Verdict(
        is_valid=verdict.is_valid,
        entries=verdict.entries,
        head_hash=verdict.head_hash,
        first_broken_id=verdict.first_broken_id,
    )
