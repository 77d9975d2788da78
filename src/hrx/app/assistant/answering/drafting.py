"""Everything of an answer that can be said without a model, and the last word on what one wrote.

Nothing is written down here: who asks for people keeps conversations, who evaluates keeps figures, and both
answer by the same code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.answering import reasons
from hrx.app.assistant.answering.asked import list_readings
from hrx.app.assistant.answering.cleaning import clean
from hrx.app.assistant.answering.preparing import Material, find_material
from hrx.app.assistant.answering.reasons import Reason
from hrx.app.assistant.answering.writing import Written, check
from hrx.app.assistant.asking_people.answering import PeopleFound, answer_people, is_worth_telling
from hrx.app.assistant.asking_people.intents import PeopleQuestion
from hrx.app.assistant.asking_people.recognising import recognise
from hrx.app.assistant.conversations.models import Mode, Said
from hrx.app.assistant.parts import AssistantParts
from hrx.app.people.employees.queries.asked import Asked, ask_about
from hrx.app.people.employees.queries.units import get_tree
from hrx.kit.errors import HrxError, Language
from hrx.kit.search.analysis import guess_language


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An answer before any model is asked. `reason`: why none will write. `understood` and `people` stand
    together: a question that the records answer."""

    text: str
    language: Language
    asked_on: date
    mode: Mode
    reason: Reason | None
    material: Material
    said: tuple[Said, ...]
    understood: PeopleQuestion | None = None
    people: PeopleFound | None = None

    @property
    def day(self) -> date:
        """The day that is told about; a question about people may have named one."""
        return self.people.as_of if self.people is not None else self.asked_on


async def draft_answer(
    session: AsyncSession,
    question: str,
    *,
    on: date | None,
    earlier: Sequence[str] = (),
    assistant: AssistantParts,
) -> Draft:
    """What the asker of this transaction is told. `on`: the day it is about, None for today; `earlier`: the
    questions before, the newest first. The transaction asks about that day from now on."""
    language = guess_language(question)
    asked_on = on or await _today(session)
    await ask_about(session, Asked(as_of=on))
    found = await _ask_people(session, question, language=language, asked_on=asked_on, on=on)
    if found is not None:
        understood, people = found
        return Draft(
            text=question,
            language=language,
            asked_on=asked_on,
            mode=Mode.PEOPLE,
            reason=None,
            material=_of_people(people),
            said=people.said,
            understood=understood,
            people=people,
        )
    readings = list_readings(question, earlier)
    material = await find_material(session, readings, language=language, on=on, assistant=assistant)
    mode, reason = _choose_mode(material, assistant)
    if mode is Mode.QUOTES:
        material = material.only_quoted()
    return Draft(
        text=question,
        language=language,
        asked_on=asked_on,
        mode=mode,
        reason=reason,
        material=material,
        said=_say(mode, material, language),
    )


def judge(
    draft: Draft, written: Written, left: Material, failure: HrxError | None
) -> tuple[tuple[Said, ...], Mode, Reason | None]:
    """What is said in the end: the model's sentences, or quotes and why. `left`: the draft's material as far
    as the asker may still see it."""
    if not left.citations:
        return _say(Mode.NOT_FOUND, left, draft.language), Mode.NOT_FOUND, reasons.SOURCES_GONE
    if failure is not None:
        return left.quotes, Mode.QUOTES, reasons.of_failure(failure)
    if len(left.citations) < len(draft.material.citations):
        # It has read what the asker may not see any more, and any sentence may hold a word of it.
        return left.quotes, Mode.QUOTES, reasons.SOURCES_GONE
    said = tuple(check(written, asked=draft.text, material=left))
    if not said:
        return _say(Mode.NOT_FOUND, left, draft.language), Mode.NOT_FOUND, None
    if not any(one.is_supported for one in said):
        # Whatever made it write that may stand in these very documents.
        plain = tuple(replace(one, text=clean(one.text, asked="")) for one in left.quotes)
        return plain, Mode.QUOTES, reasons.UNSUPPORTED
    return said, Mode.MODEL, None


async def _ask_people(
    session: AsyncSession, question: str, *, language: Language, asked_on: date, on: date | None
) -> tuple[PeopleQuestion, PeopleFound] | None:
    """The answer of the records, where the question is one for them."""
    tree = await get_tree(session, Asked(as_of=on))
    understood = recognise(question, tree=tree, today=asked_on, on=on)
    if understood is None:
        return None
    found = await answer_people(session, understood, today=asked_on, language=language)
    # The documents are asked about the day of the question, not about one that its text names.
    await ask_about(session, Asked(as_of=asked_on))
    return (understood, found) if is_worth_telling(understood, found) else None


def _of_people(found: PeopleFound) -> Material:
    documents = len({one.document_id for one in found.citations})
    return Material(searched_documents=documents, passages={}, citations=found.citations, quotes=())


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


async def _today(session: AsyncSession) -> date:
    found: date = await session.scalar(text("SELECT app.tenant_today()"))
    return found
