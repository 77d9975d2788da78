"""Doors of the export: people on a day, or with their whole history, as CSV or XLSX."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import FileResponse

from hrx.app.people.employees.exporting.encodings import OnUnencodable
from hrx.app.people.employees.exporting.files import Export, ExportFile, export_csv, export_xlsx
from hrx.app.people.employees.exporting.queries import Scope, get_asked_day
from hrx.app.people.employees.importing.downloads import CSV_MEDIA_TYPE, XLSX_MEDIA_TYPE, send_file
from hrx.app.people.employees.queries.asked import Asked, ask_about
from hrx.app.platform import audit
from hrx.app.platform.edge import CurrentPrincipal, Transaction, require
from hrx.app.platform.tenancy import Role

router = APIRouter(
    prefix="/exports",
    tags=["exports"],
    dependencies=[require(Role.OWNER, Role.HR, Role.AUDITOR, Role.MANAGER)],
)

AsOf = Annotated[date | None, Query(description="The day; the tenant's today unless given.")]
AsKnown = Annotated[
    AwareDatetime | None, Query(description="As it was known at this moment (RFC 3339); now unless given.")
]
ScopeParam = Annotated[Scope, Query(description="`day`: posts on that day. `history`: all posts.")]


@router.get("/people.csv", response_class=FileResponse)
async def export_people_csv(
    session: Transaction,
    principal: CurrentPrincipal,
    as_of: AsOf = None,
    as_known: AsKnown = None,
    scope: ScopeParam = Scope.DAY,
    encoding: Literal["utf-8-sig", "utf-8", "cp932"] = "utf-8-sig",
    unencodable: OnUnencodable = OnUnencodable.REPORT,
) -> FileResponse:
    """People as CSV. Characters that cp932 lacks are reported, unless `unencodable` says how to replace."""
    export = Export(asked=Asked(as_of=as_of, as_known=as_known), scope=scope, language=principal.locale)
    await ask_about(session, export.asked)
    made = await export_csv(session, export, encoding=encoding, on_unencodable=unencodable)
    name = await _finish(session, export, made, kind=f"csv:{encoding}")
    sent = send_file(made.path, file_name=f"{name}.csv", media_type=CSV_MEDIA_TYPE)
    sent.headers["X-HRX-Rows"] = str(made.rows)
    sent.headers["X-HRX-Replaced-Characters"] = str(made.replaced)
    return sent


@router.get("/people.xlsx", response_class=FileResponse)
async def export_people_xlsx(
    session: Transaction,
    principal: CurrentPrincipal,
    as_of: AsOf = None,
    as_known: AsKnown = None,
    scope: ScopeParam = Scope.DAY,
) -> FileResponse:
    """People as a workbook."""
    export = Export(asked=Asked(as_of=as_of, as_known=as_known), scope=scope, language=principal.locale)
    await ask_about(session, export.asked)
    made = await export_xlsx(session, export)
    name = await _finish(session, export, made, kind="xlsx")
    sent = send_file(made.path, file_name=f"{name}.xlsx", media_type=XLSX_MEDIA_TYPE)
    sent.headers["X-HRX-Rows"] = str(made.rows)
    return sent


async def _finish(session: AsyncSession, export: Export, made: ExportFile, *, kind: str) -> str:
    """Note who took people's data away; gives the file's name."""
    day = await get_asked_day(session)
    known = export.asked.as_known
    await audit.record(
        session,
        action="people.exported",
        details={
            "rows": made.rows,
            "as_of": day.isoformat(),
            "as_known": known.isoformat() if known else None,
            "scope": export.scope.value,
            "file": kind,
        },
    )
    return f"people-{day.isoformat()}"
