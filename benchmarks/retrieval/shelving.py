"""Many documents at once, as the job that reads files leaves them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform.db import Database, fetch_dicts, send
from hrx.app.platform.search_index import PassageRow, put_passages
from hrx.app.platform.tenancy import TenantId, system_principal
from hrx.kit.search.analysis import guess_language
from hrx.kit.search.passages import PassageText

_DOCUMENT: Final = """
INSERT INTO app.document (kind, title, audience, person_id)
VALUES ('policy', :title, :audience, :person_id) RETURNING id
"""
_READERS: Final = """
INSERT INTO app.document_reader (document_id, person_id)
SELECT :document_id, r.id FROM unnest(:readers::bigint[]) AS r (id)
"""
_VERSION: Final = """
INSERT INTO app.document_version
  (document_id, number, state, effective, file_name, media_type, file_sha256, size_bytes, passages)
VALUES (:document_id, 1, 'ready', daterange('2000-01-01', NULL), 'f', 'text/plain', '', 0, :passages)
RETURNING id
"""
_PASSAGES: Final = """
INSERT INTO app.document_passage
  (document_id, version_id, ordinal, language, headings, start_char, end_char, body, body_sha256)
SELECT :document_id, :version_id, r.n - 1, r.language, ARRAY[:title::text], 0, char_length(r.body), r.body,
       r.sha
FROM unnest(:bodies::text[], :languages::text[], :shas::text[]) WITH ORDINALITY AS r (body, language, sha, n)
RETURNING id, ordinal
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A document to be: who may read it, and its passages."""

    title: str
    bodies: Sequence[str]
    audience: str = "everyone"
    person_id: int | None = None
    readers: Sequence[int] = field(default=())


async def make_tenant(database: Database) -> TenantId:
    async with database.transaction(None) as session:
        made = await session.scalar(
            text("SELECT app.create_tenant(:slug, '株式会社計測', 'Asia/Tokyo', 'ja')"),
            {"slug": f"bench-{secrets.token_hex(6)}"},
        )
    assert isinstance(made, int)
    return TenantId(made)


async def shelve(database: Database, tenant: TenantId, papers: Sequence[Paper]) -> list[list[int]]:
    """Gives the ids of the passages of each paper, in order; one transaction a paper."""
    made = []
    for paper in papers:
        async with database.transaction(system_principal(tenant)) as session:
            rows = await _write(session, paper)
            await put_passages(session, rows)
        made.append([row.id for row in rows])
    return made


async def _write(session: AsyncSession, paper: Paper) -> list[PassageRow]:
    title = paper.title[:300]
    [document] = await fetch_dicts(
        session, _DOCUMENT, {"title": title, "audience": paper.audience, "person_id": paper.person_id}
    )
    if paper.readers:
        await send(session, _READERS, {"document_id": document["id"], "readers": list(paper.readers)})
    [version] = await fetch_dicts(
        session, _VERSION, {"document_id": document["id"], "passages": len(paper.bodies)}
    )
    languages = [guess_language(one) for one in paper.bodies]
    found = await fetch_dicts(
        session,
        _PASSAGES,
        {
            "document_id": document["id"],
            "version_id": version["id"],
            "title": title,
            "bodies": list(paper.bodies),
            "languages": languages,
            "shas": [hashlib.sha256(one.encode()).hexdigest() for one in paper.bodies],
        },
    )
    found.sort(key=lambda one: int(one["ordinal"]))
    return [
        PassageRow(
            id=one["id"],
            document_id=document["id"],
            version_id=version["id"],
            passage=PassageText(headings=(title,), body=body, language=language),
        )
        for one, body, language in zip(found, paper.bodies, languages, strict=True)
    ]
