"""One question from its first look to its last word.

The first transaction finds everything and writes down what the answer may rest on; it is over before anything
is sent. While a model writes, no transaction is open. The last one signs the asker in anew and reads every
citation again: who lost a right meanwhile, or a document that is gone, takes its sentences along."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.answering import reasons
from hrx.app.assistant.answering.asked import EARLIER, list_readings
from hrx.app.assistant.answering.cleaning import clean
from hrx.app.assistant.answering.events import Event, of_citation, of_sentence
from hrx.app.assistant.answering.preparing import Material, find_material, keep_only
from hrx.app.assistant.answering.reasons import Reason
from hrx.app.assistant.answering.writing import Turn, Written, check, make_ask, write
from hrx.app.assistant.asking_people.answering import PeopleFound, answer_people, is_worth_telling
from hrx.app.assistant.asking_people.intents import PeopleQuestion
from hrx.app.assistant.asking_people.recognising import recognise
from hrx.app.assistant.conversations.actions import begin_answer, finish_answer
from hrx.app.assistant.conversations.models import Mode, NewAnswer, Said
from hrx.app.assistant.conversations.queries import (
    check_own,
    list_earlier,
    list_sentences,
    list_unchanged,
)
from hrx.app.assistant.parts import AssistantParts
from hrx.app.people.employees.queries.asked import Asked, ask_about
from hrx.app.people.employees.queries.units import get_tree
from hrx.app.platform import audit
from hrx.app.platform.tenancy import Principal
from hrx.kit import clock
from hrx.kit.errors import HrxError, Language
from hrx.kit.prompts import Prompt
from hrx.kit.search.analysis import guess_language

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
    """An answer that has begun: everything that can be said without a model is known. `reason`: why none
    will write."""

    question: Question
    principal: Principal
    language: Language
    asked_on: date
    conversation_id: int
    answer_id: int
    mode: Mode
    reason: Reason | None
    material: Material
    said: tuple[Said, ...]
    turns: tuple[Turn, ...] = ()
    people: PeopleFound | None = None


async def open_answer(session: AsyncSession, question: Question, *, assistant: AssistantParts) -> Opened:
    """Find what answers the question and write that down. Raises ConversationNotFound."""
    principal: Principal = session.info["principal"]
    language = guess_language(question.text)
    asked_on = question.on or await _today(session)
    await ask_about(session, Asked(as_of=question.on))
    earlier = await _list_earlier(session, question)
    people = await _ask_people(session, question, language=language, asked_on=asked_on)
    if people is not None:
        return await _open_about_people(session, question, people, language=language, asked_on=asked_on)
    readings = list_readings(question.text, [said for _, said in earlier])
    material = await find_material(session, readings, language=language, on=question.on, assistant=assistant)
    mode, reason = _choose_mode(material, assistant)
    if mode is Mode.QUOTES:
        material = material.only_quoted()
    said = _say(mode, material, language)
    new = NewAnswer(
        question=question.text,
        language=language,
        asked_on=asked_on,
        mode=mode,
        reason=reason.code if reason else "",
        searched_documents=material.searched_documents,
        citations=material.citations,
    )
    conversation_id, answer_id = await begin_answer(session, new, conversation_id=question.conversation_id)
    if mode is not Mode.MODEL:
        await finish_answer(session, answer_id, said, mode=mode, reason=new.reason)
    turns = await _list_turns(session, earlier[:_TURNS]) if mode is Mode.MODEL else ()
    await _record(session, answer_id, mode, material)
    return Opened(
        question=question,
        principal=principal,
        language=language,
        asked_on=asked_on,
        conversation_id=conversation_id,
        answer_id=answer_id,
        mode=mode,
        reason=reason,
        material=material,
        said=said,
        turns=turns,
    )


async def _ask_people(
    session: AsyncSession, question: Question, *, language: Language, asked_on: date
) -> tuple[PeopleQuestion, PeopleFound] | None:
    """The answer of the records, where the question is one for them."""
    tree = await get_tree(session, Asked(as_of=question.on))
    understood = recognise(question.text, tree=tree, today=asked_on, on=question.on)
    if understood is None:
        return None
    found = await answer_people(session, understood, today=asked_on, language=language)
    # The documents are asked about the day of the question, not about one that its text names.
    await ask_about(session, Asked(as_of=asked_on))
    return (understood, found) if is_worth_telling(understood, found) else None


async def _open_about_people(
    session: AsyncSession,
    question: Question,
    people: tuple[PeopleQuestion, PeopleFound],
    *,
    language: Language,
    asked_on: date,
) -> Opened:
    understood, found = people
    documents = len({one.document_id for one in found.citations})
    new = NewAnswer(
        question=question.text,
        language=language,
        asked_on=asked_on,
        mode=Mode.PEOPLE,
        searched_documents=documents,
        intent=understood.model_dump(mode="json", exclude_defaults=True),
    )
    conversation_id, answer_id = await begin_answer(session, new, conversation_id=question.conversation_id)
    await finish_answer(session, answer_id, (), mode=Mode.PEOPLE)
    material = Material(searched_documents=documents, passages={}, citations=found.citations, quotes=())
    await _record(session, answer_id, Mode.PEOPLE, material)
    principal: Principal = session.info["principal"]
    return Opened(
        question=question,
        principal=principal,
        language=language,
        asked_on=found.as_of,
        conversation_id=conversation_id,
        answer_id=answer_id,
        mode=Mode.PEOPLE,
        reason=None,
        material=material,
        said=found.said,
        people=found,
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
    for number, citation in enumerate(opened.material.citations):
        if number == 0:
            assistant.figures.first_citation.observe(clock.monotonic_s() - opened.question.began_s)
        yield of_citation(citation)
    if opened.mode is not Mode.MODEL or assistant.prompt is None:
        if opened.people is not None:
            yield Event(name="people", data=opened.people.as_dict())
        for one in opened.said:
            yield of_sentence(one)
        yield _done(opened, opened.mode, opened.reason, assistant=assistant)
        return
    async with aclosing(_by_model(opened, assistant.prompt, reopen=reopen, assistant=assistant)) as events:
        async for event in events:
            yield event


async def _by_model(
    opened: Opened, prompt: Prompt, *, reopen: Reopen, assistant: AssistantParts
) -> AsyncGenerator[Event]:
    written = Written()
    asked = opened.question.text
    ask = make_ask(prompt, asked, language=opened.language, material=opened.material, turns=opened.turns)
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
        left = await list_unchanged(session, opened.material.citations)
        said, mode, reason = _judge(opened, written, keep_only(opened.material, left), failure)
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


def _judge(
    opened: Opened, written: Written, material: Material, failure: HrxError | None
) -> tuple[tuple[Said, ...], Mode, Reason | None]:
    """What is said in the end: the model's sentences, or quotes and why."""
    if not material.citations:
        return _say(Mode.NOT_FOUND, material, opened.language), Mode.NOT_FOUND, reasons.SOURCES_GONE
    if failure is not None:
        return material.quotes, Mode.QUOTES, reasons.of_failure(failure)
    if len(material.citations) < len(opened.material.citations):
        # It has read what the asker may not see any more, and any sentence may hold a word of it.
        return material.quotes, Mode.QUOTES, reasons.SOURCES_GONE
    said = tuple(check(written, asked=opened.question.text, material=material))
    if not said:
        return _say(Mode.NOT_FOUND, material, opened.language), Mode.NOT_FOUND, None
    if not any(one.is_supported for one in said):
        # Whatever made it write that may stand in these very documents.
        plain = tuple(replace(one, text=clean(one.text, asked="")) for one in material.quotes)
        return plain, Mode.QUOTES, reasons.UNSUPPORTED
    return said, Mode.MODEL, None


def _choose_mode(material: Material, assistant: AssistantParts) -> tuple[Mode, Reason | None]:
    if not material.quotes:
        return Mode.NOT_FOUND, None
    if assistant.may_write:
        return Mode.MODEL, None
    return Mode.QUOTES, reasons.NO_MODEL


def _say(mode: Mode, material: Material, language: Language) -> tuple[Said, ...]:
    if mode is Mode.NOT_FOUND:
        return (Said(text=reasons.not_found(material.searched_documents).in_language(language)),)
    return material.quotes if mode is Mode.QUOTES else ()


def _meta(opened: Opened) -> Event:
    locale = opened.principal.locale
    return Event(
        name="meta",
        data={
            "answer_id": opened.answer_id,
            "conversation_id": opened.conversation_id,
            "mode": opened.mode.value,
            "searched_documents": opened.material.searched_documents,
            "on": opened.asked_on.isoformat(),
            "reason": opened.reason.code if opened.reason else None,
            "message": opened.reason.text.in_language(locale) if opened.reason else None,
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


async def _today(session: AsyncSession) -> date:
    found: date = await session.scalar(text("SELECT app.tenant_today()"))
    return found
