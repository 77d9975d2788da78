"""What is found for a question, read once more and numbered: all of it before any model is asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.answering.checking import Source
from hrx.app.assistant.answering.concepts import Concept, list_concepts, weigh
from hrx.app.assistant.answering.quoting import Quote, above, choose_quotes, is_answered
from hrx.app.assistant.conversations.models import Citation, Said
from hrx.app.assistant.conversations.queries import list_unchanged
from hrx.app.assistant.parts import AssistantParts
from hrx.app.assistant.retrieval.finding import Found, Passage, find_passages
from hrx.kit.errors import Language

_logger = logging.getLogger("hrx.assistant")
#: As many passages as a model is given.
MOST_PASSAGES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What an answer may rest on. `quotes`: the sentences that answer best, the best first; without any the
    question is not answered by what the asker may see."""

    searched_documents: int
    passages: dict[int, Passage]
    citations: tuple[Citation, ...]
    quotes: tuple[Said, ...]

    @property
    def sources(self) -> dict[int, Source]:
        return {number: Source(headings=above(one), body=one.body) for number, one in self.passages.items()}

    @property
    def document_ids(self) -> tuple[int, ...]:
        return tuple(sorted({one.document_id for one in self.citations}))

    def cited(self, numbers: Sequence[int]) -> tuple[int, ...]:
        """The documents behind these numbers; all of them for a sentence that names none."""
        if not numbers:
            return self.document_ids
        return tuple(sorted({self.passages[number].document_id for number in numbers}))

    def only_quoted(self) -> Material:
        """The same with no more citations than the quotes need."""
        used = {number for one in self.quotes for number in one.citations}
        return Material(
            searched_documents=self.searched_documents,
            passages={number: one for number, one in self.passages.items() if number in used},
            citations=tuple(one for one in self.citations if one.number in used),
            quotes=self.quotes,
        )


async def find_material(
    session: AsyncSession,
    readings: Sequence[str],
    *,
    language: Language,
    on: date | None,
    assistant: AssistantParts,
) -> Material:
    """The passages for the first reading of the question that they answer; else nothing, and where that was
    looked for. Citations are read again and left out when the text is not what was indexed."""
    searched = 0
    for reading in readings:
        found = await _find(session, reading, language=language, on=on, assistant=assistant)
        searched = max(searched, found.searched_documents)
        if not found.passages:
            continue
        # Analysis is work of milliseconds that must not hold up other requests.
        concepts = await weigh(session, list_concepts(reading, assistant.retriever.synonyms))
        material = await asyncio.to_thread(_number, reading, found, concepts, language)
        if material is not None:
            return await _as_it_stands(session, material)
    return Material(searched_documents=searched, passages={}, citations=(), quotes=())


async def _find(
    session: AsyncSession, reading: str, *, language: Language, on: date | None, assistant: AssistantParts
) -> Found:
    try:
        found = await find_passages(
            session, reading, language=language, on=on, limit=MOST_PASSAGES, retriever=assistant.retriever
        )
    except Exception:
        assistant.ai.retrievals.labels("failed").inc()
        raise
    assistant.ai.retrievals.labels("hit" if found.passages else "empty").inc()
    if found.passages:
        assistant.ai.relevance.observe(min(1.0, max(0.0, found.passages[0].score)))
    return found


def _number(reading: str, found: Found, concepts: Sequence[Concept], language: Language) -> Material | None:
    """Passages numbered: those of the best quotes first, the others as they were found."""
    quotes = choose_quotes(reading, found.passages, concepts)
    if not quotes or not is_answered(found.passages, concepts, language=language):
        return None
    ordered = list(dict.fromkeys([*(one.passage.id for one in quotes), *(one.id for one in found.passages)]))
    by_id = {one.id: one for one in found.passages}
    numbers = {passage_id: number for number, passage_id in enumerate(ordered, start=1)}
    passages = {numbers[passage_id]: by_id[passage_id] for passage_id in ordered}
    citations = []
    for number, passage in passages.items():
        quote = next((one for one in quotes if one.passage.id == passage.id), None)
        quote = quote or next(iter(choose_quotes(reading, [passage], concepts, most=1)), None)
        citations.append(_cite(number, passage, quote))
    return Material(
        searched_documents=found.searched_documents,
        passages=passages,
        citations=tuple(citations),
        quotes=tuple(
            Said(
                text=one.sentence.text,
                citations=(numbers[one.passage.id],),
                document_ids=(one.passage.document_id,),
            )
            for one in quotes
        ),
    )


def _cite(number: int, passage: Passage, quote: Quote | None) -> Citation:
    first, last = (quote.sentence.start, quote.sentence.end) if quote else (0, len(passage.body))
    return Citation(
        number=number,
        document_id=passage.document_id,
        version_id=passage.version_id,
        title=passage.title,
        headings=passage.headings,
        page=passage.page,
        start_char=passage.start_char,
        end_char=passage.end_char,
        body_sha256=passage.body_sha256,
        quote=passage.body[first:last],
        quote_start=passage.start_char + first,
        quote_end=passage.start_char + last,
        effective_from=passage.effective_from,
        effective_to=passage.effective_to,
    )


async def _as_it_stands(session: AsyncSession, material: Material) -> Material:
    """Only what the database still says, word for word."""
    unchanged = await list_unchanged(session, material.citations)
    if len(unchanged) == len(material.citations):
        return material
    changed = [one.version_id for one in material.citations if one.number not in unchanged]
    _logger.error("Passages differ from their text", extra={"fields": {"versions": sorted(set(changed))}})
    return keep_only(material, unchanged)


def keep_only(material: Material, numbers: set[int]) -> Material:
    """The material without the citations that are not in `numbers`."""
    return Material(
        searched_documents=material.searched_documents,
        passages={number: one for number, one in material.passages.items() if number in numbers},
        citations=tuple(one for one in material.citations if one.number in numbers),
        quotes=tuple(one for one in material.quotes if set(one.citations) <= numbers),
    )
