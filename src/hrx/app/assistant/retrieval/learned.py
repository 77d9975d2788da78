"""Weights that a tenant's own questions taught; a language without any is searched by those delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.retrieval.retriever import Weights
from hrx.app.platform.db import fetch_dicts
from hrx.kit.errors import Language
from hrx.kit.search.passages import is_made_here

#: `Any`: columns differ in type.
Row = dict[str, Any]
_WEIGHTS: Final = """
SELECT w.language, w.terms, w.grams, w.dense, w.encoder, w.questions, w.mrr, w.mrr_before, w.learned_at
FROM app.search_weights AS w
ORDER BY w.language
"""


async def list_learned(session: AsyncSession, *, dense: str | None) -> list[Row]:
    """By language, with what they were learned from, as they are in force for vectors of the encoder of
    revision `dense`: meaning that was weighed with another counts for nothing until it is weighed again."""
    return [_in_force(row, dense) for row in await fetch_dicts(session, _WEIGHTS, {})]


async def read_learned(session: AsyncSession, *, dense: str | None) -> Mapping[Language, Weights]:
    """Those of the tenant whose transaction it is."""
    return {row["language"]: _weights(row) for row in await list_learned(session, dense=dense)}


def _in_force(row: Row, dense: str | None) -> Row:
    encoder = row.pop("encoder")
    # Before encoders were written down there was the one that comes along.
    is_older = encoder is None and dense is not None and is_made_here(dense)
    if dense is None or encoder == dense or is_older:
        return row
    return {**row, **asdict(_weights(row).without_dense())}


def _weights(row: Row) -> Weights:
    return Weights(terms=row["terms"], grams=row["grams"], dense=row["dense"])
