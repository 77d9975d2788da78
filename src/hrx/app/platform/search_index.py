"""The search index of passages as the product writes and reads it: every generation that answers or is being
built, in the transaction that writes the passages themselves.

Generations are made, switched and dropped by `hrx release indexes`. One whose analyser this release does not
know is left alone: it catches up when it is switched to."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform.db import fetch_dicts, send
from hrx.kit.search.passages import IndexedPassage, PassageText, find_dense, index_passages, lexical_version

INDEX: Final = "passages"
_BATCH: Final = 500
_GENERATIONS: Final = """
SELECT g.number, p.live = g.number AS is_live, g.encoder
FROM search.generation AS g
LEFT JOIN search.pointer AS p ON p.index_name = g.index_name
WHERE g.index_name = :index AND split_part(g.encoder, '+', 1) = :words
  AND (p.live IS NULL OR g.number >= p.live OR g.number = p.previous)
ORDER BY g.number
"""
_PUT: Final = """
INSERT INTO search.passages_g{number}
  (tenant_id, key, digest, document_id, version_id, language, terms, grams, embedding)
SELECT app.current_tenant(), r.key, r.digest, r.document_id, r.version_id, r.language,
       r.terms::public.sparsevec, r.grams::public.sparsevec, r.embedding::public.halfvec
FROM unnest(:keys::bigint[], :digests::text[], :documents::bigint[], :versions::bigint[], :languages::text[],
            :terms::text[], :grams::text[], :embeddings::text[])
  AS r (key, digest, document_id, version_id, language, terms, grams, embedding)
ORDER BY r.key
ON CONFLICT (tenant_id, key) DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageRow:
    """A row of app.document_passage; `id` is its key."""

    id: int
    document_id: int
    version_id: int
    passage: PassageText


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexGeneration:
    """A generation whose rows this release can write and read. `dense`: the revision of the encoder of its
    vectors; None where it has none."""

    number: int
    is_live: bool
    dense: str | None


async def list_generations(session: AsyncSession) -> list[IndexGeneration]:
    """Those that answer, answered before or are being built; none where no index was ever made."""
    made = await fetch_dicts(session, "SELECT to_regclass('search.pointer') IS NOT NULL AS is_made", {})
    if not made[0]["is_made"]:
        return []
    found = await fetch_dicts(session, _GENERATIONS, {"index": INDEX, "words": lexical_version()})
    return [
        IndexGeneration(number=one["number"], is_live=bool(one["is_live"]), dense=find_dense(one["encoder"]))
        for one in found
    ]


async def find_live(session: AsyncSession) -> IndexGeneration | None:
    """The generation that answers; None where none was made, or by an analyser that this release has not."""
    return next((one for one in await list_generations(session) if one.is_live), None)


async def put_passages(session: AsyncSession, rows: Sequence[PassageRow]) -> None:
    """Write the rows of passages into the index. Background work of the tenant; harmless to repeat.

    Costs about 2 ms a passage, the analysis in another thread. From the first row on other writers of the
    tenant wait for the end of the transaction: call it last."""
    generations = await list_generations(session)
    made = {one.dense: await asyncio.to_thread(_index, rows, one.dense) for one in generations}
    for start in range(0, len(rows), _BATCH):
        end = start + _BATCH
        for one in generations:
            sql = _PUT.format(number=one.number)
            await send(session, sql, _parameters(rows[start:end], made[one.dense][start:end]))


async def remove_version(session: AsyncSession, version_id: int) -> None:
    """Take a version out of the index. Background work of the tenant; harmless to repeat."""
    await _remove(session, "version_id = :id", version_id)


async def remove_document(session: AsyncSession, document_id: int) -> None:
    """Take all versions of a document out of the index. Background work of the tenant; harmless to repeat."""
    await _remove(session, "document_id = :id", document_id)


async def _remove(session: AsyncSession, which: str, value: int) -> None:
    for one in await list_generations(session):
        statement = (
            f"DELETE FROM search.passages_g{one.number}"  # noqa: S608
            f" WHERE tenant_id = (SELECT app.current_tenant()) AND {which}"
        )
        await send(session, statement, {"id": value})


def _index(rows: Sequence[PassageRow], dense: str | None) -> list[IndexedPassage]:
    return index_passages([row.passage for row in rows], dense=dense)


def _parameters(rows: Sequence[PassageRow], indexed: Sequence[IndexedPassage]) -> dict[str, object]:
    return {
        "keys": [row.id for row in rows],
        "digests": [_digest(row.passage, one) for row, one in zip(rows, indexed, strict=True)],
        "documents": [row.document_id for row in rows],
        "versions": [row.version_id for row in rows],
        "languages": [row.passage.language for row in rows],
        "terms": [one.terms for one in indexed],
        "grams": [one.grams for one in indexed],
        "embeddings": [one.embedding for one in indexed],
    }


def _digest(passage: PassageText, indexed: IndexedPassage) -> str:
    """As the builder of the index asks the database for it; of a row that lacks its vector another, so
    that the next who catches up writes it whole."""
    told = hashlib.md5(passage.searched.encode(), usedforsecurity=False).hexdigest()
    return f"without a vector {told}" if indexed.lacks_embedding else told
