"""The ledger: filter, read one entry to the byte, verify the chain, take a copy away."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from hrx.kit import clock
from hrx.ops.console.desk import Visit, needs, needs_form
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.operators.roles import Permission

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
_PAGE: Final = 50


@router.get("/ledger")
def show_ledger(
    visit: Looker,
    kind: Annotated[str, Query(max_length=40)] = "",
    actor: Annotated[str, Query(max_length=200)] = "",
    subject: Annotated[str, Query(max_length=200)] = "",
    text: Annotated[str, Query(max_length=200)] = "",
    before: int | None = None,
) -> Response:
    known = {item.value for item in Kind}
    wanted = EntryFilter(
        kinds=(Kind(kind),) if kind in known else (),
        actor=actor.strip() or None,
        subject=subject.strip() or None,
        text=text.strip() or None,
        before_seq=before,
    )
    entries = visit.desk.ledger.list_entries(wanted, limit=_PAGE)
    snapshot = visit.desk.snapshot
    return visit.page(
        "ledger.html",
        entries=entries,
        kinds=[item.value for item in Kind],
        chosen={"kind": kind, "actor": actor, "subject": subject, "text": text},
        older=entries[-1].seq if len(entries) == _PAGE else None,
        verification=snapshot.ledger,
        verified_at=snapshot.ledger_checked_at,
    )


@router.post("/ledger/verify")
def verify(visit: Annotated[Visit, Depends(needs_form(Permission.LOOK))]) -> Response:
    """Walk the whole chain now; about 3 s for 100,000 entries."""
    return visit.page(
        "fragments/verification.html", verification=visit.desk.ledger.verify(), verified_at=clock.now()
    )


@router.get("/ledger/export.jsonl")
def export(visit: Looker) -> Response:
    return StreamingResponse(
        visit.desk.ledger.export(),
        media_type="application/jsonl",
        headers={"Content-Disposition": 'attachment; filename="hrx-ledger.jsonl"'},
    )


@router.get("/ledger/{seq}")
def show_entry(visit: Looker, seq: int) -> Response:
    return visit.page("entry.html", entry=visit.desk.ledger.get_entry(seq), head=visit.desk.ledger.head())
