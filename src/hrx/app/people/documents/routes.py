"""Doors of documents: lists, uploads, versions, texts to open a citation at, files.

Who may see what is decided by the policies of the tables; a document of others does not exist."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import PurePath
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request, UploadFile
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import FileResponse, Response

from hrx.app.people.documents import jobs, queries, resume_routes, views
from hrx.app.people.documents.actions import changing, uploading
from hrx.app.people.documents.actions.uploading import About, Audience, Days, File, Kind, Uploaded
from hrx.app.people.documents.unpacking import Taken, forget, or_forgotten, take_files
from hrx.app.platform import audit
from hrx.app.platform.edge import (
    MAX_ID,
    CurrentPrincipal,
    CursorParam,
    EdgeParts,
    Id,
    LimitParam,
    Transaction,
    require,
    signed_in,
)
from hrx.app.platform.jobs import enqueue
from hrx.app.platform.paging import DEFAULT_LIMIT
from hrx.app.platform.storage import CHUNK_BYTES, open_storage
from hrx.app.platform.tenancy import Principal, Role
from hrx.kit.errors import Language

router = APIRouter(prefix="/documents", tags=["documents"])
#: A citation opens with the text around it; nobody reads a whole handbook in one answer.
MAX_TEXT_CHARS: Final = 200_000
_MAX_READERS: Final = 500
_READERS: Final = (Role.OWNER, Role.HR, Role.MANAGER, Role.EMPLOYEE, Role.AUDITOR)
_EVERYBODY = require(*_READERS)

_Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
_RefId = Annotated[int, Field(ge=1, le=MAX_ID)]
_Place = Annotated[int, Query(ge=0, le=2**31 - 1)]


class DocumentChange(BaseModel):
    """What is sent changes; readers are put as a whole."""

    model_config = ConfigDict(extra="forbid")

    title: _Title | None = None
    kind: Kind | None = None
    audience: Audience | None = None
    person_id: _RefId | None = None
    reader_person_ids: Annotated[list[_RefId], Field(max_length=_MAX_READERS)] | None = None
    reader_unit_ids: Annotated[list[_RefId], Field(max_length=_MAX_READERS)] | None = None


@router.get("", dependencies=[_EVERYBODY])
async def list_documents(
    session: Transaction,
    principal: CurrentPrincipal,
    parts: EdgeParts,
    kind: Kind | None = None,
    state: views.State | None = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> views.DocumentLines:
    """Documents that the caller may see, the newest first; `q` looks in their titles."""
    before = parts.cursors.read(cursor, listing="documents")[0] if cursor else None
    rows = await queries.list_documents(
        session,
        kind=kind,
        state=state,
        words=q,
        before_id=before if isinstance(before, int) else None,
        limit=limit + 1,
    )
    page = rows[:limit]
    return views.DocumentLines(
        items=[views.show_line(row, language=principal.locale) for row in page],
        next_cursor=parts.cursors.sign(listing="documents", after=[page[-1]["id"]])
        if len(rows) > limit
        else None,
    )


@router.post("", status_code=202)
async def upload_documents(
    request: Request,
    file: UploadFile,
    parts: EdgeParts,
    kind: Annotated[Kind, Form()] = "other",
    audience: Annotated[Audience, Form()] = "hr",
    title: Annotated[str | None, Form(max_length=300)] = None,
    person_id: Annotated[int | None, Form(ge=1, le=MAX_ID)] = None,
    reader_person_ids: Annotated[list[_RefId] | None, Form(max_length=_MAX_READERS)] = None,
    reader_unit_ids: Annotated[list[_RefId] | None, Form(max_length=_MAX_READERS)] = None,
    effective_from: Annotated[date | None, Form()] = None,
    effective_to: Annotated[date | None, Form()] = None,
    source_path: Annotated[str | None, Form(max_length=1000)] = None,
) -> views.Uploads:
    """Upload a file, or a zip of a folder; each is read in the background and tells its progress.

    `source_path` is the place in a folder: the same place again is a new version of the same document."""
    about = About(
        kind=kind,
        audience=audience,
        title=title.strip() or None if title else None,
        person_id=person_id,
        reader_person_ids=tuple(reader_person_ids or ()),
        reader_unit_ids=tuple(reader_unit_ids or ()),
    )
    # Storing and unpacking take as long as the file does; no transaction waits for them.
    async with signed_in(request) as session:
        principal: Principal = session.info["principal"]
        uploading.require_uploader(principal, about=about)
    days = Days(effective_from=effective_from, effective_to=effective_to)
    place = source_path if principal.may_write_people else None
    storage = open_storage(parts.settings.storage_url)
    taken = await take_files(
        _chunks(file),
        name=_safe_name(file.filename),
        source_path=place or None,
        storage=storage,
        tenant_id=principal.tenant_id,
        limit_bytes=parts.settings.document_limit_bytes,
        unpacks=principal.may_write_people,
    )
    async with or_forgotten(storage, taken), signed_in(request) as session:
        kept = await _keep(session, taken, about=about, days=days)
        shown = await _show_uploads(session, taken, kept, language=principal.locale)
    # The same bytes at the same place: what was stored of them now is not needed.
    await forget(storage, [file for file, added in kept if added.version_id is None])
    return shown


@router.get("/{document_id}", dependencies=[_EVERYBODY])
async def show_document(document_id: Id, session: Transaction, principal: CurrentPrincipal) -> views.Document:
    """A document with those of its versions that the caller may see."""
    return await _show(session, principal, document_id)


@router.post("/{document_id}/versions", status_code=202)
async def upload_document_version(
    document_id: Id,
    request: Request,
    file: UploadFile,
    parts: EdgeParts,
    effective_from: Annotated[date | None, Form()] = None,
    effective_to: Annotated[date | None, Form()] = None,
) -> views.Document:
    """Upload a new version; the ones before stay in force until its first day."""
    async with signed_in(request) as session:
        principal: Principal = session.info["principal"]
        await uploading.require_version_uploader(session, document_id=document_id)
    storage = open_storage(parts.settings.storage_url)
    taken = await take_files(
        _chunks(file),
        name=_safe_name(file.filename),
        source_path=None,
        storage=storage,
        tenant_id=principal.tenant_id,
        limit_bytes=parts.settings.document_limit_bytes,
        unpacks=False,
    )
    days = Days(effective_from=effective_from, effective_to=effective_to)
    async with or_forgotten(storage, taken), signed_in(request) as session:
        added = await uploading.add_version(session, document_id=document_id, file=taken.files[0], days=days)
        await enqueue(session, jobs.read_document, version_id=added.version_id)
        return await _show(session, session.info["principal"], document_id)


@router.patch("/{document_id}")
async def change_document(
    document_id: Id, body: DocumentChange, session: Transaction, principal: CurrentPrincipal
) -> views.Document:
    """Rename it, or say anew who may read it. HR and owners."""
    names = {"title", "kind", "audience", "person_id"} & body.model_fields_set
    values: dict[str, Any] = {
        name: getattr(body, name) for name in names if name == "person_id" or getattr(body, name) is not None
    }
    is_renamed = await changing.change_document(
        session,
        document_id=document_id,
        values=values,
        reader_person_ids=None if body.reader_person_ids is None else tuple(body.reader_person_ids),
        reader_unit_ids=None if body.reader_unit_ids is None else tuple(body.reader_unit_ids),
    )
    if is_renamed:
        await enqueue(session, jobs.retitle_document, document_id=document_id)
    return await _show(session, principal, document_id)


@router.delete("/{document_id}", status_code=204, response_class=Response)
async def delete_document(document_id: Id, session: Transaction) -> None:
    """Nobody finds or opens it from now on; its rows and files are cleared away in the background."""
    await changing.delete_document(session, document_id=document_id)
    await enqueue(session, jobs.clear_document, document_id=document_id)


@router.get("/{document_id}/versions/{version_id}/text", dependencies=[_EVERYBODY])
async def show_document_text(
    document_id: Id, version_id: Id, session: Transaction, start: _Place = 0, end: _Place | None = None
) -> views.DocumentText:
    """The text of a version, or the part that a citation opens at; at most 200,000 characters."""
    document = await queries.get_document(session, document_id=document_id)
    stop = min(end if end is not None else start + MAX_TEXT_CHARS, start + MAX_TEXT_CHARS)
    found = await queries.get_text(
        session, document_id=document_id, version_id=version_id, start=start, end=max(stop, start)
    )
    headings = await queries.list_headings(
        session, version_id=version_id, start=start, end=start + len(found["body"])
    )
    if document["audience"] == "person":
        await audit.record(
            session,
            action="document.text_read",
            subject_person_id=document["person_id"],
            details={"document_id": document_id, "version_id": version_id},
        )
    return views.DocumentText(
        title=document["title"],
        body=found["body"],
        start=start,
        end=start + len(found["body"]),
        total=found["total"],
        page_starts=found["page_starts"],
        headings=[
            views.DocumentHeading(start=each["start_char"], page=each["page"], headings=each["headings"])
            for each in headings
        ],
    )


@router.get(
    "/{document_id}/versions/{version_id}/file", dependencies=[_EVERYBODY], response_class=FileResponse
)
async def download_document_file(
    document_id: Id, version_id: Id, session: Transaction, parts: EdgeParts
) -> FileResponse:
    """The file as it was uploaded. It is never shown inside our pages, only saved."""
    document = await queries.get_document(session, document_id=document_id)
    version = await queries.get_version(session, document_id=document_id, version_id=version_id)
    if version["file_key"] is None:
        raise queries.not_found()
    path = open_storage(parts.settings.storage_url).local_path(version["file_key"])
    await audit.record(
        session,
        action="document.downloaded",
        subject_person_id=document["person_id"],
        details={"document_id": document_id, "version_id": version_id},
    )
    return FileResponse(
        path,
        media_type="application/octet-stream",
        filename=version["file_name"],
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


router.include_router(resume_routes.router)


async def _keep(
    session: AsyncSession, taken: Taken, *, about: About, days: Days
) -> list[tuple[File, Uploaded]]:
    """All files of an upload in one transaction; when anything fails none is kept."""
    kept: list[tuple[File, Uploaded]] = []
    # One title for a whole folder would make its documents look alike.
    about = replace(about, title=None) if len(taken.files) > 1 else about
    for file in taken.files:
        added = await uploading.add_document(session, file=file, about=about, days=days)
        kept.append((file, added))
        if added.version_id is not None:
            await enqueue(session, jobs.read_document, version_id=added.version_id)
    return kept


async def _show_uploads(
    session: AsyncSession, taken: Taken, kept: list[tuple[File, Uploaded]], *, language: Language
) -> views.Uploads:
    rows = await queries.list_lines(session, document_ids=[added.document_id for _, added in kept])
    outcomes = {added.document_id: added.outcome for _, added in kept}
    return views.Uploads(
        items=[views.show_uploaded(row, outcome=outcomes[row["id"]], language=language) for row in rows],
        skipped=[
            views.SkippedFile(
                path=path,
                code=error.stable_code,
                message=error.message.in_language(language),
                hint=error.hint.in_language(language) if error.hint else None,
            )
            for path, error in taken.skipped
        ],
    )


async def _show(session: AsyncSession, principal: Principal, document_id: int) -> views.Document:
    found = await queries.get_document(session, document_id=document_id)
    versions = await queries.list_versions(session, document_id=document_id)
    readers = None
    if principal.sees_everyone:
        rows = await queries.list_readers(session, document_id=document_id)
        readers = views.Readers(
            person_ids=[row["person_id"] for row in rows if row["person_id"]],
            unit_ids=[row["org_unit_id"] for row in rows if row["org_unit_id"]],
        )
    is_own = found["kind"] in uploading.RESUMES and found["person_id"] == principal.person_id
    names = ("id", "kind", "title", "audience", "person_id", "person_name", "source_path", "created_at")
    return views.Document(
        **{name: found[name] for name in names},
        readers=readers,
        may_change=principal.may_write_people,
        may_delete=principal.may_write_people or (is_own and found["audience"] == "person"),
        versions=[views.show_version(row, language=principal.locale) for row in versions],
    )


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(CHUNK_BYTES):
        yield chunk


def _safe_name(name: str | None) -> str:
    """The last part of the name that the browser gave, without characters that screens or headers trip on."""
    last = PurePath((name or "").replace("\\", "/")).name
    kept = "".join(character for character in last if character.isprintable())
    return kept[-255:] or "document"
