"""Reading documents. Who may see which row is decided by the policies of migration 0013, nowhere here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.documents.problems import DocumentNotFound
from hrx.kit.errors import Text

_VERSION_COLUMNS: Final = (
    "v.document_id, v.number, v.state, lower(v.effective) AS effective_from,"
    " upper(v.effective) - 1 AS effective_to, v.file_name, v.media_type, v.size_bytes, v.language,"
    " v.pages_total, v.pages_done, v.passages, v.warnings, v.problem, v.ready_at"
)
PERSON_NAME: Final = (
    "coalesce(nullif(btrim(p.family_kanji || ' ' || p.given_kanji), ''),"
    " btrim(p.family_latin || ' ' || p.given_latin))"
)
#: The version that a line shows: the one in force today, else the newest.
_LINES: Final = f"""
SELECT d.id, d.kind, d.title, d.audience, d.person_id, d.created_at, d.source_path,
       {PERSON_NAME} AS person_name, shown.*
FROM app.document AS d
LEFT JOIN app.person AS p ON p.id = d.person_id
JOIN LATERAL (
  SELECT v.id AS version_id, v.created_at AS version_created_at, {_VERSION_COLUMNS}
  FROM app.document_version AS v
  WHERE v.document_id = d.id
  ORDER BY (v.state = 'ready' AND v.effective @> app.tenant_today()) DESC, v.number DESC
  LIMIT 1
) AS shown ON true
WHERE d.deleted_at IS NULL
"""  # noqa: S608


async def list_documents(
    session: AsyncSession,
    *,
    kind: str | None,
    state: str | None,
    words: str | None,
    before_id: int | None,
    limit: int,
) -> Sequence[RowMapping]:
    """The newest first; `words` are looked for in titles. Index: document_newest."""
    conditions, parameters = [_LINES], dict[str, Any]({"limit": limit})
    for value, condition, name in (
        (kind, "d.kind = :kind", "kind"),
        (state, "shown.state = :state", "state"),
        (f"%{_escaped(words)}%" if words else None, "d.title ILIKE :words", "words"),
        (before_id, "d.id < :before_id", "before_id"),
    ):
        if value is not None:
            conditions.append(condition)
            parameters[name] = value
    statement = " AND ".join(conditions) + " ORDER BY d.id DESC LIMIT :limit"
    return (await session.execute(text(statement), parameters)).mappings().all()


async def list_lines(session: AsyncSession, *, document_ids: Sequence[int]) -> Sequence[RowMapping]:
    """The lines of some documents, in the order of their ids."""
    found = await session.execute(
        text(f"{_LINES} AND d.id = ANY(:ids) ORDER BY d.id"), {"ids": list(document_ids)}
    )
    return found.mappings().all()


async def get_document(session: AsyncSession, *, document_id: int) -> RowMapping:
    """Raises DocumentNotFound for absent and deleted ones, and for those of others."""
    found = await session.execute(
        text(
            f"SELECT {PERSON_NAME} AS person_name, d.id, d.kind, d.title, d.audience,"  # noqa: S608
            " d.person_id, d.source_path, d.created_at, d.created_by FROM app.document AS d"
            " LEFT JOIN app.person AS p ON p.id = d.person_id WHERE d.id = :id AND d.deleted_at IS NULL"
        ),
        {"id": document_id},
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise not_found()
    return row


async def list_versions(session: AsyncSession, *, document_id: int) -> Sequence[RowMapping]:
    """Versions that the asker may see, the newest first."""
    found = await session.execute(
        text(
            f"SELECT v.id, v.created_at, {_VERSION_COLUMNS} FROM app.document_version AS v"  # noqa: S608
            " WHERE v.document_id = :id ORDER BY v.number DESC"
        ),
        {"id": document_id},
    )
    return found.mappings().all()


async def list_readers(session: AsyncSession, *, document_id: int) -> Sequence[RowMapping]:
    """People and units named as readers; shown to those who see everyone."""
    found = await session.execute(
        text("SELECT person_id, org_unit_id FROM app.document_reader WHERE document_id = :id ORDER BY id"),
        {"id": document_id},
    )
    return found.mappings().all()


async def get_version(session: AsyncSession, *, document_id: int, version_id: int) -> RowMapping:
    """A version with its file's key. Raises DocumentNotFound."""
    await get_document(session, document_id=document_id)
    found = await session.execute(
        text(
            f"SELECT v.id, v.created_at, {_VERSION_COLUMNS}, v.file_key FROM app.document_version AS v"  # noqa: S608
            " WHERE v.id = :version_id AND v.document_id = :document_id"
        ),
        {"version_id": version_id, "document_id": document_id},
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise not_found()
    return row


async def get_text(
    session: AsyncSession, *, document_id: int, version_id: int, start: int, end: int | None
) -> RowMapping:
    """A part of the text, the length of the whole and where pages begin. Raises DocumentNotFound."""
    await get_version(session, document_id=document_id, version_id=version_id)
    found = await session.execute(
        text(
            "SELECT substr(t.body, CAST(:start AS int) + 1,"
            "  CASE WHEN CAST(:end AS int) IS NULL THEN char_length(t.body)"
            "       ELSE greatest(CAST(:end AS int) - CAST(:start AS int), 0) END) AS body,"
            " char_length(t.body) AS total, t.page_starts"
            " FROM app.document_text AS t WHERE t.version_id = :version_id AND t.document_id = :document_id"
        ),
        {"start": start, "end": end, "version_id": version_id, "document_id": document_id},
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise not_found()
    return row


async def list_names(session: AsyncSession, *, person_id: int | None) -> Sequence[str]:
    """A person's names in every spelling that the record has today; none where the asker may not see them."""
    found = await session.execute(
        text(
            "SELECT p.family_kanji, p.given_kanji, p.family_kana, p.given_kana, p.family_latin, p.given_latin"
            " FROM app.person AS p WHERE p.id = :id"
        ),
        {"id": person_id},
    )
    row = found.one_or_none()
    return [name for name in row or () if name]


#: Of one answer: a file may have a heading for every other word.
MOST_HEADINGS: Final = 2_000


async def list_headings(
    session: AsyncSession, *, version_id: int, start: int, end: int
) -> Sequence[RowMapping]:
    """Where each path of headings begins in a part of a text: (start_char, page, headings), as they follow.

    The first is the one that the part begins under; at most MOST_HEADINGS."""
    found = await session.execute(
        text(
            "SELECT start_char, page, headings FROM ("
            "  SELECT p.start_char, p.page, p.headings,"
            "         lag(p.headings) OVER (ORDER BY p.ordinal) AS before"
            "  FROM app.document_passage AS p WHERE p.version_id = :version_id AND p.start_char < :end"
            "  AND p.start_char >= coalesce("
            "   (SELECT max(u.start_char) FROM app.document_passage AS u"
            "    WHERE u.version_id = :version_id AND u.start_char <= :start), 0)) AS each"
            " WHERE before IS DISTINCT FROM headings ORDER BY start_char LIMIT :limit"
        ),
        {"version_id": version_id, "start": start, "end": end, "limit": MOST_HEADINGS},
    )
    return found.mappings().all()


async def list_proposals(session: AsyncSession, *, document_id: int) -> Sequence[RowMapping]:
    """Proposals of the newest version that has any, in the order of its text. Raises DocumentNotFound."""
    await get_document(session, document_id=document_id)
    found = await session.execute(
        text(
            "SELECT p.id, p.version_id, p.person_id, p.field, p.value, p.start_char, p.end_char, p.state,"
            " p.decided_at"
            " FROM app.document_proposal AS p WHERE p.document_id = :id"
            " AND p.version_id ="
            "  (SELECT max(n.version_id) FROM app.document_proposal AS n WHERE n.document_id = :id)"
            " ORDER BY p.start_char, p.field"
        ),
        {"id": document_id},
    )
    return found.mappings().all()


async def find_by_source(session: AsyncSession, *, source_path: str) -> RowMapping | None:
    """The document that came from a place of an imported folder, with its newest version's digest and day."""
    found = await session.execute(
        text(
            "SELECT d.id, v.file_sha256, v.state, lower(v.effective) AS effective_from"
            " FROM app.document AS d"
            " JOIN app.document_version AS v ON v.document_id = d.id"
            " WHERE d.source_path = :source_path AND d.deleted_at IS NULL ORDER BY v.number DESC LIMIT 1"
        ),
        {"source_path": source_path},
    )
    return found.mappings().one_or_none()


def not_found() -> DocumentNotFound:
    return DocumentNotFound(
        Text(ja="この文書は見つかりません。", en="There is no such document."),
        hint=Text(
            ja="削除されたか、閲覧できない文書です。一覧から開き直してください。",
            en="It was deleted, or you may not see it. Open it from the list again.",
        ),
    )


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
