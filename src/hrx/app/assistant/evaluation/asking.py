"""A question asked as its asker asks: the same finding, the same answering, the same rights. Nothing of it is
kept as a conversation, nothing is counted as a person's question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.answering.checking import Source, is_held
from hrx.app.assistant.answering.drafting import Draft, draft_answer, judge
from hrx.app.assistant.answering.preparing import Material, keep_only
from hrx.app.assistant.answering.quoting import above
from hrx.app.assistant.answering.writing import Written, make_ask, write
from hrx.app.assistant.conversations.models import Mode, Said
from hrx.app.assistant.conversations.queries import list_unchanged, read_passages
from hrx.app.assistant.evaluation.models import (
    PLACES,
    AskedQuestion,
    Expectation,
    Outcome,
    Place,
)
from hrx.app.assistant.parts import AssistantParts
from hrx.app.assistant.retrieval.finding import Passage, find_passages
from hrx.app.assistant.retrieval.vectors import know_vector
from hrx.app.platform.tenancy import Principal
from hrx.kit import clock
from hrx.kit.errors import Expected, HrxError
from hrx.kit.search.analysis import fold

#: Opens a transaction of the asker.
Open = Callable[[], AbstractAsyncContextManager[AsyncSession]]


async def ask_question(
    question: AskedQuestion, *, by: Principal, open_as_asker: Open, assistant: AssistantParts
) -> Outcome:
    """What came. Raises Unavailable when something is away: then it is asked again, not counted."""
    began_s = clock.monotonic_s()
    try:
        retriever = await know_vector(
            assistant.retriever,
            question.question,
            open_as_asker=open_as_asker,
            gateway=assistant.gateway,
            within_s=assistant.question_vector_within_s,
        )
        assistant = replace(assistant, retriever=retriever)
        async with open_as_asker() as session:
            found = await find_passages(
                session, question.question, limit=PLACES, retriever=assistant.retriever
            )
            draft = await draft_answer(session, question.question, on=None, assistant=assistant)
        said, mode = draft.said, draft.mode
        if mode is Mode.MODEL:
            said, mode = await _write(draft, by=by, open_as_asker=open_as_asker, assistant=assistant)
        latency_ms = round((clock.monotonic_s() - began_s) * 1_000)
        async with open_as_asker() as session:
            supported = await count_supported(session, said, draft.material)
    except Expected as error:
        return _failed(question, error)
    speaks = mode in (Mode.MODEL, Mode.QUOTES)
    return Outcome(
        question_id=question.id,
        language=question.language,
        expects=question.expects,
        mode=mode.value,
        place=find_place(found.passages, question.expected),
        sentences=len(said) if speaks else 0,
        supported=supported if speaks else 0,
        latency_ms=latency_ms,
        came=tuple(_place(one) for one in found.passages),
    )


def find_place(passages: Sequence[Passage], expected: Sequence[Expectation]) -> int | None:
    """Place of the first passage that any expectation is met by, from 1; None without one."""
    for place, passage in enumerate(passages, start=1):
        if any(_meets(passage, one) for one in expected):
            return place
    return None


def holds(body: str, quote: str) -> bool:
    """Whether words stand in a text, however they are spaced, broken into lines or set in wide letters."""
    return _run_on(quote) in _run_on(body)


async def count_supported(session: AsyncSession, said: Sequence[Said], material: Material) -> int:
    """Sentences that stand on what they cite, as the source says it now: each passage is read again, as far
    as the asker may, and only where it is what was cited."""
    if not material.passages:
        return 0
    bodies = await read_passages(session, material.citations)
    unchanged = await list_unchanged(session, material.citations)
    sources = {
        number: Source(headings=above(passage), body=bodies[number])
        for number, passage in material.passages.items()
        if number in unchanged
    }
    return sum(_is_supported(one, sources) for one in said)


def _is_supported(said: Said, sources: Mapping[int, Source]) -> bool:
    if not said.citations or not set(said.citations) <= sources.keys():
        return False
    cited = [sources[number] for number in said.citations]
    return any(said.text in one.body for one in cited) or is_held(said.text, by=cited)


async def _write(
    draft: Draft, *, by: Principal, open_as_asker: Open, assistant: AssistantParts
) -> tuple[tuple[Said, ...], Mode]:
    """As for a person (`conducting`), with nobody who watches it being written."""
    if assistant.prompt is None:
        return draft.said, draft.mode
    written, failure = Written(), None
    ask = make_ask(assistant.prompt, draft.text, language=draft.language, material=draft.material, turns=())
    try:
        async with aclosing(write(ask, written, asked=draft.text, by=by, assistant=assistant)) as events:
            async for _ in events:
                pass
    except HrxError as error:
        failure = error
    async with open_as_asker() as session:
        left = await list_unchanged(session, draft.material.citations)
    said, mode, _ = judge(draft, written, keep_only(draft.material, left), failure)
    return said, mode


def _meets(passage: Passage, expectation: Expectation) -> bool:
    is_document = passage.document_id == expectation.document_id
    return is_document and (not expectation.quote or holds(passage.body, expectation.quote))


def _run_on(text: str) -> str:
    return "".join(fold(text).split())


def _place(passage: Passage) -> Place:
    return Place(
        document_id=passage.document_id,
        version_id=passage.version_id,
        start_char=passage.start_char,
        end_char=passage.end_char,
    )


def _failed(question: AskedQuestion, error: Expected) -> Outcome:
    return Outcome(
        question_id=question.id,
        language=question.language,
        expects=question.expects,
        mode="failed",
        problem=error.stable_code,
    )
