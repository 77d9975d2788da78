"""Passages for a question, as far as its asker may read them on the day that is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.retrieval.learned import read_learned
from hrx.app.assistant.retrieval.retriever import Question, Retriever, Weights
from hrx.app.assistant.retrieval.statements import find_in
from hrx.app.platform.db import fetch_dicts, send
from hrx.app.platform.search_index import find_live
from hrx.kit.errors import Invalid, Language, Text

#: Letters. A question is a sentence or two; what is longer is a document that was pasted.
LONGEST_QUESTION: Final = 4_000
#: Passages, the best by words and meaning, whose letter groups are read.
CANDIDATES: Final = 500
_AS_OF: Final = "SELECT set_config('hrx.as_of', :day, true)"


class QuestionTooLong(Invalid):
    """More letters than a question may have."""

    code = "question.too_long"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A passage that was found. `score`: 1 where it leads in every leg; comparable within one answer only."""

    id: int
    document_id: int
    version_id: int
    title: str
    kind: str
    headings: tuple[str, ...]
    page: int | None
    language: str
    start_char: int
    end_char: int
    body: str
    body_sha256: str
    score: float
    effective_from: date
    effective_to: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best passages, of how many documents and passages that the asker may read; all were scored.

    `legs`: those in which anything was found: terms, grams, dense."""

    passages: tuple[Passage, ...]
    searched_documents: int
    searched_passages: int
    legs: tuple[str, ...]


_NOTHING: Final = Found(passages=(), searched_documents=0, searched_passages=0, legs=())


async def find_passages(
    session: AsyncSession,
    question: str,
    *,
    language: Language | None = None,
    on: date | None = None,
    limit: int = 8,
    retriever: Retriever,
    weights: Mapping[Language, Weights] | None = None,
) -> Found:
    """`session`: a transaction of the asker. `on`: None is the day that the transaction asks about, today
    unless told; a day given here is the day of the whole transaction from now on. `language`: as the question
    seems to be written in, unless told. `weights`: those that the tenant's questions taught, unless told. A
    question without a word in it finds nothing.

    Raises QuestionTooLong."""
    if len(question) > LONGEST_QUESTION:
        raise _too_long(len(question))
    if on is not None:
        await send(session, _AS_OF, {"day": on.isoformat()})
    generation = await find_live(session)
    if generation is None:
        return _NOTHING
    if weights is None:
        weights = await read_learned(session, dense=generation.dense)
    asked = await retriever.prepare(question, language=language, dense=generation.dense, weights=weights)
    rows = await fetch_dicts(session, find_in(generation.number), _parameters(asked, limit=limit))
    return Found(
        passages=tuple(_passage(row) for row in rows if row["id"] is not None),
        searched_documents=rows[0]["documents"],
        searched_passages=rows[0]["passages"],
        legs=tuple(leg for leg in ("terms", "grams", "dense") if rows[0][f"has_{leg}"]),
    )


def _parameters(asked: Question, *, limit: int) -> dict[str, object]:
    return {
        "places": [one.place for one in asked.terms],
        "weights": [one.weight for one in asked.terms],
        "are_grams": [one.is_gram for one in asked.terms],
        "vector": asked.vector,
        "terms_weight": asked.weights.terms,
        "grams_weight": asked.weights.grams,
        "dense_weight": asked.weights.dense,
        "candidates": max(CANDIDATES, limit),
        "limit": limit,
    }


# `Any`: a row of the driver.
def _passage(row: dict[str, Any]) -> Passage:
    names = Passage.__slots__
    return Passage(**{**{name: row[name] for name in names}, "headings": tuple(row["headings"])})


def _too_long(letters: int) -> QuestionTooLong:
    return QuestionTooLong(
        Text(
            ja=f"質問が長すぎます({letters:,} 文字。{LONGEST_QUESTION:,} 文字まで)。",
            en=f"The question is too long: {letters:,} characters of at most {LONGEST_QUESTION:,}.",
        ),
        hint=Text(
            ja="知りたいことを一、二文で書いてください。",
            en="Ask what you want to know in a sentence or two.",
        ),
    )
