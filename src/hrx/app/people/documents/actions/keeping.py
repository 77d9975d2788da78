"""What the reading job does to a version: progress, the text with its passages, the days, the problem.

Everything that makes a version answer questions happens in one transaction: text, passages, index rows, the
days of the versions before, and the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.documents.actions.days import narrow_earlier, narrow_this
from hrx.app.people.documents.actions.uploading import title_of
from hrx.app.platform import audit, search_index
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.search_index import PassageRow
from hrx.kit.search.passages import PassageText

#: Passages of one statement.
_BATCH: Final = 500

_LOCK_DOCUMENT: Final = text("SELECT id FROM app.document WHERE id = :id AND deleted_at IS NULL FOR UPDATE")
_VERSION: Final = text(
    "SELECT v.id, v.document_id, v.number, v.state, v.file_name, v.file_key, v.effective, v.created_by,"
    " d.kind, d.title, d.person_id, d.audience"
    " FROM app.document_version AS v JOIN app.document AS d ON d.id = v.document_id"
    " WHERE v.id = :id AND d.deleted_at IS NULL"
)
_INSERT_PASSAGES: Final = text(
    "INSERT INTO app.document_passage (document_id, version_id, ordinal, language, page, headings,"
    "  start_char, end_char, body, body_sha256)"
    " SELECT :document_id, :version_id, each.ordinal, each.language, each.page, each.headings, each.start,"
    '  each."end", each.body, each.sha256'
    " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS each (ordinal int, language text, page int,"
    '  headings text[], start int, "end" int, body text, sha256 text)'
    " RETURNING id, ordinal"
)


async def find_version(session: AsyncSession, *, version_id: int) -> RowMapping | None:
    """The version with what its document is; None when the document was deleted."""
    return (await session.execute(_VERSION, {"id": version_id})).mappings().one_or_none()


async def begin_reading(session: AsyncSession, *, version_id: int) -> RowMapping | None:
    """The version, marked as being read; None when there is nothing to read (any more)."""
    found = await find_version(session, version_id=version_id)
    if found is None or found["state"] not in ("waiting", "reading"):
        return None
    await session.execute(
        text("UPDATE app.document_version SET state = 'reading', pages_done = 0 WHERE id = :id"),
        {"id": version_id},
    )
    await publish(session, kind=EventKind.DOCUMENT_PROGRESS, ref_id=found["document_id"])
    return found


async def report_progress(session: AsyncSession, *, version: RowMapping, done: int, total: int) -> None:
    """Tell browsers how far the reading has come, in a transaction of its own."""
    touched = await session.execute(
        text(
            "UPDATE app.document_version SET pages_done = :done, pages_total = :total"
            " WHERE id = :id AND state = 'reading' AND pages_done < :done"
        ),
        {"id": version["id"], "done": done, "total": total},
    )
    if getattr(touched, "rowcount", 0):
        await publish(session, kind=EventKind.DOCUMENT_PROGRESS, ref_id=version["document_id"])


async def keep_reading(session: AsyncSession, *, version_id: int, found: Mapping[str, Any]) -> bool:
    """Make the version answer. False when it was deleted, or made ready by a job that ran before.

    The lock on the document orders versions that become ready at the same moment."""
    version = await _lock_version(session, version_id)
    if version is None or version["state"] not in ("waiting", "reading"):
        return False
    title = await _retitle(session, version, found["title"])
    await _insert_text(session, version, found)
    rows = await _insert_passages(session, version, found["passages"], title=title)
    await _insert_proposals(session, version, found["proposals"])
    warnings = list(found["notices"])
    state, gap = await _take_days(session, version)
    if gap is not None:
        warnings.append(gap)
    await session.execute(
        text(
            "UPDATE app.document_version SET state = :state, media_type = :media_type, language = :language,"
            " pages_total = :pages,"
            " pages_done = coalesce(:pages, 0), passages = :passages, warnings = CAST(:warnings AS jsonb),"
            " problem = NULL, ready_at = now() WHERE id = :id"
        ),
        {
            "id": version_id,
            "state": state,
            "media_type": found["media_type"],
            "language": found["language"],
            "pages": found["pages_total"],
            "passages": len(found["passages"]),
            "warnings": orjson.dumps(warnings).decode(),
        },
    )
    await audit.record(
        session,
        action="document.read_in",
        subject_person_id=version["person_id"],
        details={
            "document_id": version["document_id"],
            "version_id": version_id,
            "passages": len(found["passages"]),
        },
    )
    if state == "ready":
        # Near the end: from here on other writers of the tenant's index wait for this transaction.
        await search_index.put_passages(session, rows)
    await publish(session, kind=EventKind.DOCUMENT_PROGRESS, ref_id=version["document_id"])
    return True


async def fail_reading(session: AsyncSession, *, version_id: int, problem: Mapping[str, Any]) -> None:
    """The version cannot be read; it says why, and the versions before it stay as they are."""
    version = await _lock_version(session, version_id)
    if version is None or version["state"] not in ("waiting", "reading"):
        return
    await session.execute(
        text(
            "UPDATE app.document_version SET state = 'failed', problem = CAST(:problem AS jsonb)"
            " WHERE id = :id"
        ),
        {"id": version_id, "problem": orjson.dumps(problem).decode()},
    )
    await publish(session, kind=EventKind.DOCUMENT_PROGRESS, ref_id=version["document_id"])


async def list_left_behind(session: AsyncSession) -> Sequence[int]:
    """Versions on their way for an hour and more: their job was given up, and another one is to try."""
    return (
        await session.scalars(
            text(
                "SELECT v.id FROM app.document_version AS v JOIN app.document AS d ON d.id = v.document_id"
                " WHERE v.state IN ('waiting', 'reading') AND v.created_at < now() - interval '1 hour'"
                " AND d.deleted_at IS NULL ORDER BY v.id LIMIT 200"
            )
        )
    ).all()


async def _lock_version(session: AsyncSession, version_id: int) -> RowMapping | None:
    version = await find_version(session, version_id=version_id)
    if version is None:
        return None
    await session.execute(_LOCK_DOCUMENT, {"id": version["document_id"]})
    # Read again under the lock: a job that ran at the same time may have been faster.
    return await find_version(session, version_id=version_id)


async def _insert_text(session: AsyncSession, version: RowMapping, found: Mapping[str, Any]) -> None:
    await session.execute(
        text(
            "INSERT INTO app.document_text (version_id, document_id, body, page_starts)"
            " VALUES (:version_id, :document_id, :body, :page_starts)"
        ),
        {
            "version_id": version["id"],
            "document_id": version["document_id"],
            "body": found["body"],
            "page_starts": list(found["page_starts"]),
        },
    )


async def _insert_passages(
    session: AsyncSession, version: RowMapping, passages: list[dict[str, Any]], *, title: str
) -> list[PassageRow]:
    """The passages, each under the title and its headings; gives them as rows of the search index."""
    indexed: list[PassageRow] = []
    for start in range(0, len(passages), _BATCH):
        batch = [
            {**passage, "ordinal": ordinal, "headings": _under(title, passage["headings"])}
            for ordinal, passage in enumerate(passages[start : start + _BATCH], start=start)
        ]
        found = await session.execute(
            _INSERT_PASSAGES,
            {
                "document_id": version["document_id"],
                "version_id": version["id"],
                "rows": orjson.dumps(batch).decode(),
            },
        )
        ids = {row.ordinal: row.id for row in found.all()}
        indexed.extend(_index_row(version, passage, row_id=ids[passage["ordinal"]]) for passage in batch)
    return indexed


def _under(title: str, headings: Sequence[str]) -> list[str]:
    return list(headings) if headings and headings[0] == title else [title, *headings]


def _index_row(version: RowMapping, passage: Mapping[str, Any], *, row_id: int) -> PassageRow:
    return PassageRow(
        id=row_id,
        document_id=version["document_id"],
        version_id=version["id"],
        passage=PassageText(headings=passage["headings"], body=passage["body"], language=passage["language"]),
    )


async def _insert_proposals(
    session: AsyncSession, version: RowMapping, proposals: list[dict[str, Any]]
) -> None:
    if not proposals or version["person_id"] is None:
        return
    await session.execute(
        text(
            "INSERT INTO app.document_proposal"
            " (document_id, version_id, person_id, field, value, start_char, end_char)"
            ' SELECT :document_id, :version_id, :person_id, each.field, each.value, each.start, each."end"'
            " FROM jsonb_to_recordset(CAST(:rows AS jsonb))"
            ' AS each (field text, value text, start int, "end" int)'
            " ON CONFLICT DO NOTHING"
        ),
        {
            "document_id": version["document_id"],
            "version_id": version["id"],
            "person_id": version["person_id"],
            "rows": orjson.dumps(proposals).decode(),
        },
    )


async def _take_days(session: AsyncSession, version: RowMapping) -> tuple[str, dict[str, Any] | None]:
    """Later numbers win: narrow ready versions with lower numbers, and this one by those with higher ones.

    Gives the state of this version, and a warning when days after it are left without any version."""
    state = await narrow_this(session, version)
    gap = await narrow_earlier(session, version) if state == "ready" else None
    return state, gap


async def _retitle(session: AsyncSession, version: RowMapping, title: str) -> str:
    """A title made of the file's name gives way to the one that the text has; one that people gave stays.

    Gives the title that the document has now."""
    clean = " ".join(title.split())[:300]
    if version["number"] != 1 or not clean or version["title"] != title_of(version["file_name"])[:300]:
        return str(version["title"])
    await session.execute(
        text("UPDATE app.document SET title = :title WHERE id = :id"),
        {"title": clean, "id": version["document_id"]},
    )
    return clean
