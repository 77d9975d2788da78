"""Doors of the import: upload, mapping, dry run, rows, commit. Owner and HR only; auditors may look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import PurePath
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Response, UploadFile
from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic import Field as PydanticField
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import FileResponse

from hrx.app.people.employees.importing import actions, jobs, queries, views
from hrx.app.people.employees.importing.downloads import (
    CSV_MEDIA_TYPE,
    XLSX_MEDIA_TYPE,
    send_file,
    write_csv,
)
from hrx.app.people.employees.importing.mapping import guess_columns
from hrx.app.people.employees.importing.queries import Only
from hrx.app.people.employees.importing.reading import MAX_COLUMNS, Table, read_table
from hrx.app.people.employees.importing.templates import template_csv, template_xlsx
from hrx.app.platform import audit
from hrx.app.platform.edge import (
    CurrentPrincipal,
    CursorParam,
    EdgeParts,
    Id,
    LimitParam,
    Transaction,
    require,
)
from hrx.app.platform.jobs import enqueue
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.paging import DEFAULT_LIMIT
from hrx.app.platform.storage import CHUNK_BYTES, open_storage
from hrx.app.platform.tenancy import Role
from hrx.kit.errors import Language, Text

router = APIRouter(prefix="/imports", tags=["imports"])
_MAY_IMPORT = require(Role.OWNER, Role.HR)
_MAY_LOOK = require(Role.OWNER, Role.HR, Role.AUDITOR)
_ERROR_HEADER = (
    Text(ja="行", en="Row"),
    Text(ja="列", en="Column"),
    Text(ja="値", en="Value"),
    Text(ja="内容", en="Problem"),
    Text(ja="種類", en="Kind"),
)
_ERROR, _WARNING = Text(ja="エラー", en="error"), Text(ja="注意", en="warning")

_Column = Annotated[str, StringConstraints(max_length=210)]
_FieldName = Annotated[str, StringConstraints(max_length=50)]


class Mapping(BaseModel):
    """Which column means which field; columns left out, or null, are ignored."""

    model_config = ConfigDict(extra="forbid")

    mapping: dict[_Column, _FieldName | None] = PydanticField(max_length=MAX_COLUMNS)
    may_create_units: bool = False
    may_create_positions: bool = False


class Commit(BaseModel):
    """`skip_errors` accepts that rows with errors are left out."""

    model_config = ConfigDict(extra="forbid")

    skip_errors: bool = False


@router.post("", status_code=201, dependencies=[_MAY_IMPORT])
async def upload_import(
    file: UploadFile,
    session: Transaction,
    principal: CurrentPrincipal,
    parts: EdgeParts,
    kind: Annotated[Literal["people"], Form()] = "people",
) -> views.Import:
    """Upload a CSV or XLSX file; it is stored, read, and its columns are guessed. Nothing is imported yet."""
    del kind
    storage = open_storage(parts.settings.storage_url)
    stored = await storage.put(
        _chunks(file), tenant_id=principal.tenant_id, limit_bytes=parts.settings.import_limit_bytes
    )
    try:
        table = await asyncio.to_thread(read_table, storage.local_path(stored.key))
        upload = actions.Upload(
            file_name=_safe_name(file.filename),
            stored=stored,
            table=table,
            guesses=guess_columns(table.header, _samples(table)),
        )
        created = await actions.create_import(session, upload=upload)
    except BaseException:
        await storage.delete(stored.key)
        raise
    return views.show_import(created, language=principal.locale)


@router.get("", dependencies=[_MAY_LOOK])
async def list_imports(
    session: Transaction,
    principal: CurrentPrincipal,
    parts: EdgeParts,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> views.Imports:
    """Imports, the newest first."""
    before = parts.cursors.read(cursor, listing="imports")[0] if cursor else None
    rows = await queries.list_imports(
        session, before_id=int(before) if isinstance(before, int) else None, limit=limit + 1
    )
    page = rows[:limit]
    next_cursor = parts.cursors.sign(listing="imports", after=[page[-1]["id"]]) if len(rows) > limit else None
    return views.Imports(
        items=[views.show_import(row, language=principal.locale) for row in page],
        total=await queries.count_imports(session),
        next_cursor=next_cursor,
    )


@router.get("/fields", dependencies=[_MAY_LOOK])
async def list_import_fields(principal: CurrentPrincipal) -> views.ImportFields:
    """What a column may be mapped to."""
    return views.show_fields(language=principal.locale)


@router.get("/template.csv", dependencies=[_MAY_LOOK], response_class=Response)
async def get_import_template_csv(principal: CurrentPrincipal) -> Response:
    """An empty CSV file with every header."""
    return _attachment(
        template_csv(language=principal.locale), name="hrx-people-template.csv", media_type=CSV_MEDIA_TYPE
    )


@router.get("/template.xlsx", dependencies=[_MAY_LOOK], response_class=Response)
async def get_import_template_xlsx(principal: CurrentPrincipal) -> Response:
    """An empty workbook with every header, choices to pick from and explanations."""
    content = await asyncio.to_thread(template_xlsx, language=principal.locale)
    return _attachment(content, name="hrx-people-template.xlsx", media_type=XLSX_MEDIA_TYPE)


@router.get("/{import_id}", dependencies=[_MAY_LOOK])
async def show_import(import_id: Id, session: Transaction, principal: CurrentPrincipal) -> views.Import:
    """One import with its columns, counts and progress."""
    found = await queries.get_import(session, import_id=import_id)
    return views.show_import(found, language=principal.locale)


@router.put("/{import_id}/mapping", dependencies=[_MAY_IMPORT])
async def change_import_mapping(
    import_id: Id, body: Mapping, session: Transaction, principal: CurrentPrincipal
) -> views.Import:
    """Decide what the columns mean; a check made before no longer counts."""
    options = actions.Options(
        may_create_units=body.may_create_units, may_create_positions=body.may_create_positions
    )
    changed = await actions.change_mapping(
        session, import_id=import_id, mapping=body.mapping, options=options
    )
    return views.show_import(changed, language=principal.locale)


@router.post("/{import_id}/check", status_code=202, dependencies=[_MAY_IMPORT])
async def check_import(import_id: Id, session: Transaction, principal: CurrentPrincipal) -> views.Import:
    """Start the dry run; progress comes as `import.progress` events."""
    found = await actions.start_check(session, import_id=import_id)
    await enqueue(session, jobs.check_import, import_id=import_id, revision=found["revision"])
    await publish(session, kind=EventKind.IMPORT_PROGRESS, ref_id=import_id)
    return views.show_import(found, language=principal.locale)


@router.get("/{import_id}/rows", dependencies=[_MAY_LOOK])
async def list_import_rows(
    import_id: Id,
    session: Transaction,
    principal: CurrentPrincipal,
    parts: EdgeParts,
    only: Only = "all",
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> views.CheckedRows:
    """Rows as the dry run found them, in file order."""
    found = await queries.get_import(session, import_id=import_id)
    listing = f"import-rows:{import_id}:{only}"
    after = parts.cursors.read(cursor, listing=listing)[0] if cursor else -1
    rows = await queries.list_rows(
        session,
        import_id=import_id,
        only=only,
        after=after if isinstance(after, int) else -1,
        limit=limit + 1,
    )
    page = rows[:limit]
    await audit.record(
        session, action="import.rows_read", details={"import_id": import_id, "rows": len(page)}
    )
    return views.CheckedRows(
        items=[views.show_row(row, mapping=found["mapping"], language=principal.locale) for row in page],
        next_cursor=parts.cursors.sign(listing=listing, after=[page[-1]["row_number"]])
        if len(rows) > limit
        else None,
    )


@router.get("/{import_id}/errors.csv", dependencies=[_MAY_LOOK], response_class=FileResponse)
async def download_import_errors(
    import_id: Id, session: Transaction, principal: CurrentPrincipal
) -> FileResponse:
    """Every problem as a line: row, column, value, what is wrong."""
    found = await queries.get_import(session, import_id=import_id)
    path = await write_csv(_error_lines(session, found, principal.locale))
    await audit.record(session, action="import.errors_downloaded", details={"import_id": import_id})
    return send_file(path, file_name=f"import-{import_id}-errors.csv", media_type=CSV_MEDIA_TYPE)


@router.post("/{import_id}/commit", status_code=202, dependencies=[_MAY_IMPORT])
async def commit_import(
    import_id: Id, session: Transaction, principal: CurrentPrincipal, body: Commit | None = None
) -> views.Import:
    """Start the import proper, all or nothing; asking twice is harmless."""
    found, is_new = await actions.start_commit(
        session, import_id=import_id, skip_errors=body is not None and body.skip_errors
    )
    if is_new:
        await enqueue(session, jobs.commit_import, lock="imports.commit", import_id=import_id)
        await publish(session, kind=EventKind.IMPORT_PROGRESS, ref_id=import_id)
    return views.show_import(found, language=principal.locale)


@router.post("/{import_id}/cancel", dependencies=[_MAY_IMPORT])
async def cancel_import(
    import_id: Id, session: Transaction, principal: CurrentPrincipal, parts: EdgeParts
) -> views.Import:
    """Give an import up; the file and what was found in it are deleted."""
    found, file_key = await actions.cancel_import(session, import_id=import_id)
    if file_key is not None:
        await open_storage(parts.settings.storage_url).delete(file_key)
    return views.show_import(found, language=principal.locale)


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(CHUNK_BYTES):
        yield chunk


def _samples(table: Table) -> list[list[str]]:
    return [table.samples(column) for column in range(len(table.header))]


def _safe_name(name: str | None) -> str:
    """The last part of the name that the browser gave, without characters that screens or headers trip on."""
    last = PurePath((name or "").replace("\\", "/")).name
    kept = "".join(character for character in last if character.isprintable())
    return kept[-255:] or "people"


def _attachment(content: bytes, *, name: str, media_type: str) -> Response:
    return Response(
        content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


async def _error_lines(
    session: AsyncSession, found: queries.ImportRow, language: Language
) -> AsyncIterator[list[str]]:
    yield [title.in_language(language) for title in _ERROR_HEADER]
    async for row in queries.stream_rows(session, import_id=found["id"], only="warnings"):
        shown = views.show_row(row, mapping=found["mapping"], language=language)
        values = {column: shown.cells.get(field, "") for column, field in found["mapping"].items()}
        for problem in shown.errors:
            kind = _WARNING if problem.is_warning else _ERROR
            yield [
                str(shown.row_number),
                problem.column,
                values.get(problem.column, ""),
                problem.message,
                kind.in_language(language),
            ]
