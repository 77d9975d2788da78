"""A file becomes a document, or a new version of one; it is read later, by a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from sqlalchemy import RowMapping, insert, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.documents import queries
from hrx.app.people.documents.models import DOCUMENT, DOCUMENT_VERSION
from hrx.app.platform import audit
from hrx.app.platform.edge import not_allowed
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.storage import StoredFile
from hrx.app.platform.tenancy import Principal
from hrx.kit.errors import FieldProblem, Invalid, Text

Kind = Literal["policy", "handbook", "form", "notice", "resume", "career_history", "other"]
Audience = Literal["everyone", "managers", "hr", "person", "chosen"]
Outcome = Literal["created", "new_version", "unchanged"]
RESUMES: Final = frozenset({"resume", "career_history"})


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A stored file. `source_path`: its place in an imported folder; the same place is the same document."""

    name: str
    media_type: str
    stored: StoredFile
    source_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a person says of the files they upload."""

    kind: Kind
    audience: Audience
    title: str | None = None
    person_id: int | None = None
    reader_person_ids: tuple[int, ...] = ()
    reader_unit_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """From when to when a version is in force; without a first day, from today on."""

    effective_from: date | None = None
    effective_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """What became of a file; `version_id` is None when nothing was new."""

    document_id: int
    version_id: int | None
    outcome: Outcome
    problems: tuple[str, ...] = field(default=())


def require_uploader(principal: Principal, *, about: About) -> None:
    """HR uploads everything; whoever is employed, their own résumé. Raises Forbidden."""
    is_own = (
        about.kind in RESUMES
        and about.audience == "person"
        and about.person_id is not None
        and about.person_id == principal.person_id
    )
    if not (principal.may_write_people or is_own):
        raise not_allowed()


async def require_version_uploader(session: AsyncSession, *, document_id: int) -> None:
    """May the caller bring a new version of it? Raises DocumentNotFound, Forbidden."""
    found = await queries.get_document(session, document_id=document_id)
    about = About(kind=found["kind"], audience=found["audience"], person_id=found["person_id"])
    require_uploader(session.info["principal"], about=about)


async def add_document(session: AsyncSession, *, file: File, about: About, days: Days) -> Uploaded:
    """A new document with its first version, or a new version of the one at the same place.

    The same bytes at the same place are no new version, unless another first day is asked for."""
    principal: Principal = session.info["principal"]
    require_uploader(principal, about=about)
    if file.source_path is not None:
        # Two uploads of one folder at the same moment take turns here.
        await session.execute(
            text(
                "SELECT pg_advisory_xact_lock("
                "hashtextextended('hrx.document:' || :path, app.current_tenant()))"
            ),
            {"path": file.source_path},
        )
        known = await queries.find_by_source(session, source_path=file.source_path)
        if known is not None:
            return await _again(session, known, file=file, days=days)
    document_id = int(
        (
            await session.execute(
                insert(DOCUMENT)
                .values(
                    kind=about.kind,
                    title=(about.title or title_of(file.name))[:300],
                    source_path=file.source_path,
                    audience=about.audience,
                    person_id=about.person_id,
                    created_by=principal.user_id,
                )
                .returning(DOCUMENT.c.id)
            )
        ).scalar_one()
    )
    await add_readers(session, document_id=document_id, about=about)
    version_id = await _insert_version(session, document_id=document_id, file=file, days=days)
    await audit.record(
        session,
        action="document.uploaded",
        subject_person_id=about.person_id,
        details={
            "document_id": document_id,
            "version_id": version_id,
            "kind": about.kind,
            "audience": about.audience,
        },
    )
    await publish(session, kind=EventKind.DOCUMENT_PROGRESS, ref_id=document_id)
    return Uploaded(document_id=document_id, version_id=version_id, outcome="created")


async def add_version(session: AsyncSession, *, document_id: int, file: File, days: Days) -> Uploaded:
    """A new version of a document. Raises DocumentNotFound, Forbidden."""
    await require_version_uploader(session, document_id=document_id)
    found = await queries.get_document(session, document_id=document_id)
    version_id = await _insert_version(session, document_id=document_id, file=file, days=days)
    await audit.record(
        session,
        action="document.version_uploaded",
        subject_person_id=found["person_id"],
        details={"document_id": document_id, "version_id": version_id},
    )
    await publish(session, kind=EventKind.DOCUMENT_PROGRESS, ref_id=document_id)
    return Uploaded(document_id=document_id, version_id=version_id, outcome="new_version")


async def add_readers(session: AsyncSession, *, document_id: int, about: About) -> None:
    """Name the readers of a document with the audience `chosen`; others have none. Raises Invalid."""
    if about.audience != "chosen":
        return
    if not (about.reader_person_ids or about.reader_unit_ids):
        message = Text(
            ja="閲覧できる人または部署を選んでください。", en="Choose the people or units who may read it."
        )
        raise Invalid(
            message, fields=(FieldProblem(field="reader_unit_ids", code="readers.required", message=message),)
        )
    await session.execute(
        text(
            "INSERT INTO app.document_reader (document_id, person_id, org_unit_id)"
            " SELECT :document_id, each, NULL FROM unnest(CAST(:people AS bigint[])) AS each"
            " UNION SELECT :document_id, NULL, each FROM unnest(CAST(:units AS bigint[])) AS each"
        ),
        {
            "document_id": document_id,
            "people": list(about.reader_person_ids),
            "units": list(about.reader_unit_ids),
        },
    )


def title_of(file_name: str) -> str:
    """What a document is called until its text says better."""
    stem = file_name.rpartition(".")[0] or file_name
    return " ".join(stem.replace("_", " ").split()) or file_name


async def _again(session: AsyncSession, known: RowMapping, *, file: File, days: Days) -> Uploaded:
    asks_other_day = days.effective_from is not None and days.effective_from != known["effective_from"]
    is_same = known["file_sha256"] == file.stored.sha256 and known["state"] != "failed"
    if is_same and not asks_other_day:
        return Uploaded(document_id=known["id"], version_id=None, outcome="unchanged")
    return await add_version(session, document_id=known["id"], file=file, days=days)


async def _insert_version(session: AsyncSession, *, document_id: int, file: File, days: Days) -> int:
    principal: Principal = session.info["principal"]
    today = await session.scalar(text("SELECT app.tenant_today()"))
    effective = _range(days, today=today)
    number = await session.scalar(
        text("SELECT coalesce(max(number), 0) + 1 FROM app.document_version WHERE document_id = :id"),
        {"id": document_id},
    )
    return int(
        (
            await session.execute(
                insert(DOCUMENT_VERSION)
                .values(
                    document_id=document_id,
                    number=number,
                    state="waiting",
                    effective=effective,
                    file_name=file.name,
                    media_type=file.media_type,
                    file_key=file.stored.key,
                    file_sha256=file.stored.sha256,
                    size_bytes=file.stored.size_bytes,
                    created_by=principal.user_id,
                )
                .returning(DOCUMENT_VERSION.c.id)
            )
        ).scalar_one()
    )


def _range(days: Days, *, today: date) -> Range[date]:
    start = days.effective_from or today
    if days.effective_to is not None and days.effective_to < start:
        message = Text(ja="最終日が施行日より前になっています。", en="The last day lies before the first.")
        raise Invalid(
            message, fields=(FieldProblem(field="effective_to", code="effective.order", message=message),)
        )
    # A last day of the calendar would have no day after it.
    end = None if days.effective_to is None else date.fromordinal(days.effective_to.toordinal() + 1)
    return Range(start, end, bounds="[)")
