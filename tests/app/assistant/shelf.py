"""Whole documents in the library, text and passages, as the job that reads files leaves them."""

from __future__ import annotations

from datetime import date
from itertools import accumulate
from typing import Any

from sqlalchemy import text

from hrx.app.assistant.conversations.queries import digest
from hrx.app.platform.db import Database, fetch_dicts
from hrx.app.platform.search_index import PassageRow, put_passages
from hrx.app.platform.tenancy import TenantId, system_principal
from hrx.kit.search.analysis import guess_language
from hrx.kit.search.passages import PassageText

LEAVE = (
    "6か月間継続して勤務し、全労働日の8割以上出勤した社員には、10日の年次有給休暇を与える。"
    "年次有給休暇は、付与日から2年間で時効により消滅する。"
)
TRAVEL = "出張の日当は、1日につき2,500円を支給する。宿泊費は1泊12,000円を上限として実費を支給する。"
CONDOLENCE = "結婚したときは、慶弔休暇を5日与える。忌引の休暇は、配偶者が死亡したときに7日とする。"


async def shelve(
    database: Database,
    tenant_id: TenantId,
    *sections: str,
    title: str = "就業規則",
    heading: str = "休暇",
    audience: str = "everyone",
    kind: str = "policy",
    person_id: int | None = None,
    since: date = date(2020, 1, 1),
) -> int:
    """A document of which each section is a passage; gives its id."""
    starts = [0, *accumulate(len(section) + 1 for section in sections)]
    async with database.transaction(system_principal(tenant_id)) as session:
        given: dict[str, Any] = {"kind": kind, "title": title, "audience": audience, "person_id": person_id}
        [made] = await fetch_dicts(
            session,
            "INSERT INTO app.document (kind, title, audience, person_id)"
            " VALUES (:kind, :title, :audience, :person_id) RETURNING id",
            given,
        )
        [version] = await fetch_dicts(
            session,
            "INSERT INTO app.document_version (document_id, number, state, effective, file_name, media_type,"
            " file_sha256, size_bytes, passages) VALUES (:document_id, 1, 'ready', daterange(:since, NULL),"
            " 'f.md', 'text/markdown', '', 0, :passages) RETURNING id",
            {"document_id": made["id"], "since": since, "passages": len(sections)},
        )
        ids = {"document_id": made["id"], "version_id": version["id"]}
        await session.execute(
            text(
                "INSERT INTO app.document_text (version_id, document_id, body)"
                " VALUES (:version_id, :document_id, :body)"
            ),
            {**ids, "body": "\n".join(sections)},
        )
        rows = []
        for ordinal, section in enumerate(sections):
            language = guess_language(section)
            [passage] = await fetch_dicts(
                session,
                "INSERT INTO app.document_passage (document_id, version_id, ordinal, language, page,"
                " headings, start_char, end_char, body, body_sha256) VALUES (:document_id, :version_id,"
                " :ordinal, :language, 1, :headings, :start_char, :end_char, :body, :sha256) RETURNING id",
                {
                    **ids,
                    "ordinal": ordinal,
                    "language": language,
                    "headings": [title, heading],
                    "start_char": starts[ordinal],
                    "end_char": starts[ordinal] + len(section),
                    "body": section,
                    "sha256": digest(section),
                },
            )
            told = PassageText(headings=(title, heading), body=section, language=language)
            rows.append(PassageRow(id=passage["id"], passage=told, **ids))
        await put_passages(session, rows)
    return int(made["id"])


async def take_away(database: Database, tenant_id: TenantId, document_id: int, change: str) -> None:
    """Change a document as HR would: `change` is the SET of an UPDATE."""
    async with database.transaction(system_principal(tenant_id)) as session:
        await session.execute(text(f"UPDATE app.document SET {change} WHERE id = :id"), {"id": document_id})
