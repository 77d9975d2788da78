"""Weights that a tenant's own questions taught; a language without any is searched by those delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.retrieval.retriever import Weights
from hrx.app.platform.db import fetch_dicts
from hrx.kit.errors import Language

#: `Any`: columns differ in type.
Row = dict[str, Any]
_WEIGHTS: Final = """
SELECT w.language, w.terms, w.grams, w.dense, w.questions, w.mrr, w.mrr_before, w.learned_at
FROM app.search_weights AS w
ORDER BY w.language
"""


async def list_learned(session: AsyncSession) -> list[Row]:
    """By language, with what they were learned from."""
    return await fetch_dicts(session, _WEIGHTS, {})


async def read_learned(session: AsyncSession) -> Mapping[Language, Weights]:
    """Those of the tenant whose transaction it is."""
    return {
        row["language"]: Weights(terms=row["terms"], grams=row["grams"], dense=row["dense"])
        for row in await list_learned(session)
    }
