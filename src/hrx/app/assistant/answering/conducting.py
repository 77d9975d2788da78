"""One question from its first look to its last word.

The first transaction finds everything and writes down what the answer may rest on; it is over before anything
is sent. While a model writes, no transaction is open. The last one signs the asker in anew and reads every
citation again: who lost a right meanwhile, or a document that is gone, takes its sentences along."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.answering.asked import EARLIER
from hrx.app.assistant.answering.drafting import Draft, draft_answer, judge
from hrx.app.assistant.answering.events import Event, of_citation, of_sentence
from hrx.app.assistant.answering.preparing import Material, keep_only
from hrx.app.assistant.answering.reasons import Reason
from hrx.app.assistant.answering.writing import Turn, Written, make_ask, write
from hrx.app.assistant.conversations.actions import begin_answer, finish_answer
from hrx.app.assistant.conversations.models import Mode, NewAnswer
from hrx.app.assistant.conversations.queries import (
    check_own,
    list_earlier,
    list_sentences,
    list_unchanged,
)
from hrx.app.assistant.parts import AssistantParts
from hrx.app.people.employees.queries.asked import Asked, ask_about
from hrx.app.platform import audit
from hrx.app.platform.tenancy import Principal
from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.kit.prompts import Prompt

#: Opens a transaction of whoever asks, signed in as they are at that moment.
Reopen = Callable[[], AbstractAsyncContextManager[AsyncSession]]
#: So many turns before go to a model with a question.
_TURNS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked. `on`: the day it is about, None for today. `began_s`: on the monotonic clock."""

    text: str
    conversation_id: int | None
    on: date | None
    began_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An answer that has begun: everything that can be said without a model is known."""

    question: Question
    principal: Principal
    draft: Draft
    conversation_id: int
    answer_id: int
    turns: tuple[Turn, ...] = ()


async def open_answer(session: AsyncSession, question: Question, *, assistant: AssistantParts) -> Opened:
    """Find what answers the question and write that down. Raises ConversationNotFound."""
    principal: Principal = session.info["principal"]
    earlier = await _list_earlier(session, question)
    draft = await draft_answer(
        session, question.text, on=question.on, earlier=[asked for _, asked in earlier], assistant=assistant
    )
    mode, material = draft.mode, draft.material
    new = NewAnswer(
        question=question.text,
        language=draft.language,
        asked_on=draft.asked_on,
        mode=mode,
        reason=draft.reason.code if draft.reason else "",
        searched_documents=material.searched_documents,
        # What the records say is asked again whenever it is shown.
        citations=() if mode is Mode.PEOPLE else material.citations,
        intent=draft.understood.model_dump(mode="json", exclude_defaults=True) if draft.understood else None,
    )
    conversation_id, answer_id = await begin_answer(session, new, conversation_id=question.conversation_id)
    if mode is not Mode.MODEL:
        kept = () if mode is Mode.PEOPLE else draft.said
        await finish_answer(session, answer_id, kept, mode=mode, reason=new.reason)
    turns = await _list_turns(session, earlier[:_TURNS]) if mode is Mode.MODEL else ()
    await _record(session, answer_id, mode, material)
    return Opened(
        question=question,
        principal=principal,
        draft=draft,
        conversation_id=conversation_id,
        answer_id=answer_id,
        turns=turns,
    )


async def _record(session: AsyncSession, answer_id: int, mode: Mode, material: Material) -> None:
    """That somebody asked and which documents were shown; never what was asked."""
    details = {
        "answer_id": answer_id,
        "mode": mode.value,
        "searched_documents": material.searched_documents,
        "document_ids": list(material.document_ids),
    }
    await audit.record(session, action="assistant.asked", details=details)


async def stream_answer(
    opened: Opened, *, reopen: Reopen, assistant: AssistantParts
) -> AsyncGenerator[Event]:
    """The events of an answer that has begun."""
    yield _meta(opened)
    for number, citation in enumerate(opened.draft.material.citations):
        if number == 0:
            assistant.figures.first_citation.observe(clock.monotonic_s() - opened.question.began_s)
        yield of_citation(citation)
    if opened.draft.mode is not Mode.MODEL or assistant.prompt is None:
        if opened.draft.people is not None:
            yield Event(name="people", data=opened.draft.people.as_dict())
        for one in opened.draft.said:
            yield of_sentence(one)
        yield _done(opened, opened.draft.mode, opened.draft.reason, assistant=assistant)
        return
    async with aclosing(_by_model(opened, assistant.prompt, reopen=reopen, assistant=assistant)) as events:
        async for event in events:
            yield event


async def _by_model(
    opened: Opened, prompt: Prompt, *, reopen: Reopen, assistant: AssistantParts
) -> AsyncGenerator[Event]:
    written = Written()
    asked = opened.question.text
    ask = make_ask(
        prompt, asked, language=opened.draft.language, material=opened.draft.material, turns=opened.turns
    )
    failure: HrxError | None = None
    try:
        events = write(ask, written, asked=asked, by=opened.principal, assistant=assistant)
        async with aclosing(events):
            async for event in events:
                yield event
    except HrxError as error:
        failure = error
    async with reopen() as session:
        await ask_about(session, Asked(as_of=opened.question.on))
        # What is left of the material for the asker as they are signed in now.
        left = await list_unchanged(session, opened.draft.material.citations)
        said, mode, reason = judge(opened.draft, written, keep_only(opened.draft.material, left), failure)
        await finish_answer(
            session,
            opened.answer_id,
            said,
            mode=mode,
            reason=reason.code if reason else "",
            prompt_version=ask.prompt_version,
        )
    if written.shown and mode is not Mode.MODEL:
        why = reason.code if reason else ""
        yield Event(name="interrupted", data={"text": written.shown, "reason": why})
    for one in said:
        if mode is Mode.MODEL:
            support = "supported" if one.is_supported else "unsupported"
            assistant.figures.sentences.labels(support).inc()
        yield of_sentence(one)
    if written.usage is not None:
        yield Event(name="usage", data=written.usage)
    yield _done(opened, mode, reason, assistant=assistant)


def _meta(opened: Opened) -> Event:
    locale = opened.principal.locale
    return Event(
        name="meta",
        data={
            "answer_id": opened.answer_id,
            "conversation_id": opened.conversation_id,
            "mode": opened.draft.mode.value,
            "searched_documents": opened.draft.material.searched_documents,
            "on": opened.draft.day.isoformat(),
            "reason": opened.draft.reason.code if opened.draft.reason else None,
            "message": opened.draft.reason.text.in_language(locale) if opened.draft.reason else None,
        },
    )


def _done(opened: Opened, mode: Mode, reason: Reason | None, *, assistant: AssistantParts) -> Event:
    assistant.figures.answers.labels(mode.value).inc()
    if mode is Mode.QUOTES and assistant.may_write:
        assistant.figures.fallbacks.inc()
    return Event(
        name="done",
        data={
            "answer_id": opened.answer_id,
            "mode": mode.value,
            "reason": reason.code if reason else None,
            "message": reason.text.in_language(opened.principal.locale) if reason else None,
        },
    )


async def _list_earlier(session: AsyncSession, question: Question) -> list[tuple[int, str]]:
    if question.conversation_id is None:
        return []
    await check_own(session, question.conversation_id)
    return await list_earlier(session, question.conversation_id, limit=EARLIER)


async def _list_turns(session: AsyncSession, earlier: Sequence[tuple[int, str]]) -> tuple[Turn, ...]:
    """The oldest first; what the asker may not see any more is not told to a model either."""
    sentences = await list_sentences(session, [answer_id for answer_id, _ in earlier])
    turns = []
    for answer_id, asked in reversed(earlier):
        said = " ".join(one["body"] for one in sentences[answer_id] if one["is_supported"])
        if said:
            turns.append(Turn(question=asked, answer=said))
    return tuple(turns)
