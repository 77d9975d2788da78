"""The search index of passages as the product writes and reads it: every generation that answers or is being
built, in the transaction that writes the passages themselves.

Generations are made, switched and dropped by `hrx release indexes`. One whose analyser this release does not
know is left alone: it catches up when it is switched to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform import jobs
from hrx.app.platform.db import fetch_dicts, send
from hrx.kit.search.passages import (
    IndexedPassage,
    PassageText,
    find_dense,
    index_passages,
    is_made_here,
    lacking,
    lexical_version,
)
from hrx.kit.search.weights import as_dense

INDEX: Final = "passages"
_BATCH: Final = 500
#: Makes the vectors that rows lack; the assistant has it, for it may ask a vendor.
EMBED: Final = jobs.task_elsewhere("search.embed_passages")
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
# Index: passages_gN_lacking.
_LACKING: Final = """
SELECT i.key, p.headings, p.body, i.language
FROM search.passages_g{number} AS i
JOIN app.document_passage AS p ON p.id = i.key
WHERE i.tenant_id = (SELECT app.current_tenant()) AND starts_with(i.digest, 'without a vector ')
  AND i.key > :after
ORDER BY i.key
LIMIT :limit
"""
# Only where the row still is of the text that the vector was made of.
_GIVE: Final = """
UPDATE search.passages_g{number} AS i
SET digest = r.digest, embedding = r.embedding::public.halfvec
FROM unnest(:keys::bigint[], :digests::text[], :embeddings::text[]) AS r (key, digest, embedding)
WHERE i.tenant_id = (SELECT app.current_tenant()) AND i.key = r.key
  AND i.digest = 'without a vector ' || r.digest
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


def is_late(generation: IndexGeneration) -> bool:
    """Whether its vectors are made by the worker, after the words are there."""
    return generation.dense is not None and not is_made_here(generation.dense)


async def find_live(session: AsyncSession) -> IndexGeneration | None:
    """The generation that answers; None where none was made, or by an analyser that this release has not."""
    return next((one for one in await list_generations(session) if one.is_live), None)


async def put_passages(session: AsyncSession, rows: Sequence[PassageRow]) -> None:
    """Write the rows of passages into the index. Background work of the tenant; harmless to repeat.

    Rows whose vectors are made by the worker lack them for a moment, and the job that makes them is enqueued.
    Costs about 2 ms a passage, the analysis in another thread. From the first row on other writers of the
    tenant wait for the end of the transaction: call it last."""
    generations = await list_generations(session)
    made = {one.dense: await asyncio.to_thread(_index, rows, one.dense) for one in generations}
    for start in range(0, len(rows), _BATCH):
        end = start + _BATCH
        for one in generations:
            sql = _PUT.format(number=one.number)
            await send(session, sql, _parameters(rows[start:end], made[one.dense][start:end]))
    if any(row.lacks_embedding for one in generations if is_late(one) for row in made[one.dense]):
        await jobs.enqueue(session, EMBED, only_once=EMBED.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class LackingRow:
    """A row that lacks its vector."""

    key: int
    passage: PassageText


async def list_lacking(
    session: AsyncSession, generation: IndexGeneration, *, after: int, limit: int
) -> list[LackingRow]:
    """The next by key. Background work of the tenant."""
    found = await fetch_dicts(
        session, _LACKING.format(number=generation.number), {"after": after, "limit": limit}
    )
    return [
        LackingRow(
            key=one["key"],
            passage=PassageText(headings=one["headings"], body=one["body"], language=one["language"]),
        )
        for one in found
    ]


async def give_vectors(
    session: AsyncSession,
    generation: IndexGeneration,
    rows: Sequence[LackingRow],
    vectors: Sequence[Sequence[float] | None],
) -> None:
    """Write the vectors of rows; None: it is to have none. A row that was written anew meanwhile stays as it
    is, and lacks its own. Background work of the tenant; harmless to repeat."""
    given = {
        "keys": [row.key for row in rows],
        "digests": [row.passage.digest for row in rows],
        "embeddings": [None if one is None else as_dense(one) for one in vectors],
    }
    await send(session, _GIVE.format(number=generation.number), given)


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
        "digests": [lacking(row.passage.digest, one) for row, one in zip(rows, indexed, strict=True)],
        "documents": [row.document_id for row in rows],
        "versions": [row.version_id for row in rows],
        "languages": [row.passage.language for row in rows],
        "terms": [one.terms for one in indexed],
        "grams": [one.grams for one in indexed],
        "embeddings": [one.embedding for one in indexed],
    }
