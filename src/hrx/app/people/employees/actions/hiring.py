"""Orders that begin employment: hire and rehire."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.actions.changes import describe_day, describe_segment_change
from hrx.app.people.employees.actions.ordering import Asking, Outcome, ask_for, carries_out
from hrx.app.people.employees.actions.recording import days, record_rewrite
from hrx.app.people.employees.actions.warnings import check_references
from hrx.app.people.employees.inputs import Hire, Rehire
from hrx.app.people.employees.models import PERSON, PERSON_VERSION
from hrx.app.people.employees.planning import plan_rehire, plan_spell
from hrx.app.people.employees.queries.records import get_record
from hrx.app.people.employees.record import Rewrite
from hrx.app.people.employees.search import index_person


async def hire_employee(session: AsyncSession, *, asked: Hire) -> int:
    """A new person with their first spell and assignment; gives the change order's id.

    The order names the person, unless it waits for approval: then nobody is created yet."""
    return await ask_for(
        session, kind="hire", effective_on=asked.hired_on, reason=asked.reason, payload=asked.stored()
    )


async def rehire_employee(session: AsyncSession, *, person_id: int, asked: Rehire) -> int:
    """A new spell of somebody who left."""
    await get_record(session, person_id)
    return await ask_for(
        session,
        kind="rehire",
        effective_on=asked.hired_on,
        reason=asked.reason,
        payload=asked.stored(),
        person_id=person_id,
    )


@carries_out("hire")
async def _carry_out_hire(session: AsyncSession, order: Asking, *, is_preview: bool) -> Outcome:
    asked = Hire.model_validate(order.payload)
    rewrite = plan_spell(asked)
    person_id = None if is_preview else await _create_person(session, asked, order_id=order.id)
    outcome = await _begin(session, rewrite, order=order, person_id=person_id, is_preview=is_preview)
    names = asked.names()
    outcome.changes.insert(
        0,
        {
            "field": "name",
            "before": None,
            "after": {"ja": names.kanji or names.latin, "en": names.latin or names.kanji},
        },
    )
    return outcome


@carries_out("rehire")
async def _carry_out_rehire(session: AsyncSession, order: Asking, *, is_preview: bool) -> Outcome:
    assert order.person_id is not None  # noqa: S101 - a rehire is always about a person
    record = await get_record(session, order.person_id)
    rewrite = plan_rehire(record, Rehire.model_validate(order.payload))
    return await _begin(session, rewrite, order=order, person_id=record.person_id, is_preview=is_preview)


async def _begin(
    session: AsyncSession,
    rewrite: Rewrite,
    *,
    order: Asking,
    person_id: int | None,
    is_preview: bool,
) -> Outcome:
    references, warnings = await check_references(session, rewrite.new_segments, person_id=person_id)
    if person_id is not None and not is_preview:
        await record_rewrite(session, person_id=person_id, rewrite=rewrite, order_id=order.id)
    changes = describe_day("hired_on", before=None, after=rewrite.opened_spells[0].from_on)
    for segment in rewrite.new_segments:
        changes += describe_segment_change(references, before=None, after=segment)
    return Outcome(person_id=person_id, changes=changes, warnings=warnings, after=rewrite.opened_segments)


async def _create_person(session: AsyncSession, asked: Hire, *, order_id: int | None) -> int:
    names = asked.names()
    index = index_person(names, work_email=asked.work_email, employee_number=asked.employee_number)
    person = {
        "employee_number": asked.employee_number,
        **names.as_dict(),
        "work_email": asked.work_email,
        "search_text": index.search_text,
        "kana_key": index.kana_key,
    }
    person_id = await session.scalar(insert(PERSON).values(person).returning(PERSON.c.id))
    assert isinstance(person_id, int)  # noqa: S101 - RETURNING of a NOT NULL column
    version = {
        "person_id": person_id,
        **names.as_dict(),
        "work_email": asked.work_email,
        "kana_key": index.kana_key,
        # Their name was theirs before they came.
        "valid": days(None, None),
        "change_order_id": order_id,
    }
    await session.execute(insert(PERSON_VERSION), [version])
    return person_id
