"""Documents with passages, written as the job that reads files writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform.db import Database, fetch_dicts
from hrx.app.platform.search_index import PassageRow, put_passages
from hrx.app.platform.tenancy import TenantId, system_principal
from hrx.kit.search.analysis import guess_language
from hrx.kit.search.passages import PassageText

SINCE = date(2020, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A document with one version; `passages` in the order in which they were given."""

    document_id: int
    version_id: int
    passages: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    database: Database
    tenant_id: TenantId

    async def shelve(
        self,
        *bodies: str,
        title: str = "就業規則",
        audience: str = "everyone",
        person_id: int | None = None,
        since: date = SINCE,
        until: date | None = None,
        state: str = "ready",
        indexed: bool = True,
    ) -> Shelved:
        """One transaction, as the job does it."""
        async with self.database.transaction(system_principal(self.tenant_id)) as session:
            [made] = await fetch_dicts(
                session,
                "INSERT INTO app.document (kind, title, audience, person_id)"
                " VALUES ('policy', :title, :audience, :person_id) RETURNING id",
                {"title": title, "audience": audience, "person_id": person_id},
            )
            [version] = await fetch_dicts(
                session,
                "INSERT INTO app.document_version (document_id, number, state, effective, file_name,"
                " media_type, file_sha256, size_bytes, passages) VALUES (:document_id, 1, :state,"
                " daterange(:since, :until), 'f.md', 'text/markdown', '', 0, :passages) RETURNING id",
                {
                    "document_id": made["id"],
                    "state": state,
                    "since": since,
                    "until": until,
                    "passages": len(bodies),
                },
            )
            rows = await write_passages(
                session, document_id=made["id"], version_id=version["id"], title=title, bodies=bodies
            )
            if indexed:
                await put_passages(session, rows)
        return Shelved(
            document_id=made["id"], version_id=version["id"], passages=tuple(row.id for row in rows)
        )

    async def delete(self, shelved: Shelved) -> None:
        """As the button does it: nothing is cleared away yet."""
        async with self.database.transaction(system_principal(self.tenant_id)) as session:
            await session.execute(
                text("UPDATE app.document SET deleted_at = now() WHERE id = :id"), {"id": shelved.document_id}
            )


async def write_passages(
    session: AsyncSession, *, document_id: int, version_id: int, title: str, bodies: Sequence[str]
) -> list[PassageRow]:
    found = await fetch_dicts(
        session,
        "INSERT INTO app.document_passage (document_id, version_id, ordinal, language, headings, start_char,"
        " end_char, body, body_sha256)"
        " SELECT :document_id, :version_id, r.n - 1, r.language, ARRAY[:title::text], 0, char_length(r.body),"
        " r.body, r.sha FROM unnest(:bodies::text[], :languages::text[], :shas::text[])"
        " WITH ORDINALITY AS r (body, language, sha, n) ORDER BY r.n RETURNING id, body, language",
        {
            "document_id": document_id,
            "version_id": version_id,
            "title": title,
            "bodies": list(bodies),
            "languages": [guess_language(one) for one in bodies],
            "shas": [hashlib.sha256(one.encode()).hexdigest() for one in bodies],
        },
    )
    return [
        PassageRow(
            id=one["id"],
            document_id=document_id,
            version_id=version_id,
            passage=PassageText(headings=(title,), body=one["body"], language=one["language"]),
        )
        for one in found
    ]
