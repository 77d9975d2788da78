"""Names, e-mail and personal facts of a person."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import insert, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.actions.recording import begin_recording, days
from hrx.app.people.employees.inputs import NamesChange, PrivateChange
from hrx.app.people.employees.models import PERSON, PERSON_PRIVATE, PERSON_VERSION
from hrx.app.people.employees.queries.records import get_profile, get_record, get_today
from hrx.app.people.employees.search import index_person
from hrx.app.platform import audit
from hrx.app.platform.edge import not_allowed
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.tenancy import Principal
from hrx.kit import clock
from hrx.kit.errors import FieldProblem, Invalid, Text

_CLOSE_VERSION: Final = text("UPDATE app.person_version SET known = known WHERE id = :id")


async def change_names(session: AsyncSession, *, person_id: int, asked: NamesChange) -> None:
    """The person is called otherwise from a day on; earlier days, and earlier knowledge, keep the old name.

    Raises Invalid for a day in the future: today's directory can only show today's names."""
    await get_record(session, person_id)
    _require_writer(session)
    await begin_recording(session)
    current = await get_profile(session, person_id)
    since = await _first_day(session, asked, current["from_on"])
    names = asked.names()
    work_email = asked.work_email if "work_email" in asked.model_fields_set else current["work_email"]
    index = index_person(names, work_email=work_email, employee_number=current["employee_number"])
    facts = {**names.as_dict(), "work_email": work_email, "kana_key": index.kana_key}
    await session.execute(_CLOSE_VERSION, {"id": current["id"]})
    if since is not None and since != current["from_on"]:
        await session.execute(
            insert(PERSON_VERSION), [_remainder(current, person_id=person_id, until_on=since)]
        )
    await session.execute(
        insert(PERSON_VERSION), [{"person_id": person_id, **facts, "valid": days(since, None)}]
    )
    await session.execute(
        update(PERSON).where(PERSON.c.id == person_id).values(**facts, search_text=index.search_text)
    )
    await audit.record(
        session,
        action="person.names_changed",
        subject_person_id=person_id,
        details={"fields": sorted(asked.model_fields_set), "since": str(since) if since else None},
    )
    await publish(session, kind=EventKind.PEOPLE_CHANGED, ref_id=person_id)


async def change_private(session: AsyncSession, *, person_id: int, asked: PrivateChange) -> None:
    """Personal facts are put as sent; fields that were not sent stay. The audit entry names fields only."""
    await get_record(session, person_id)
    _require_writer(session)
    values = _private_values(asked)
    row = {"person_id": person_id, **values, "updated_at": clock.now()}
    statement = upsert(PERSON_PRIVATE).values(row)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["person_id"],
            set_={name: statement.excluded[name] for name in row if name != "person_id"},
        )
    )
    await audit.record(
        session,
        action="person.private_changed",
        subject_person_id=person_id,
        details={"fields": sorted(values)},
    )
    await publish(session, kind=EventKind.PEOPLE_CHANGED, ref_id=person_id)


def _require_writer(session: AsyncSession) -> None:
    principal: Principal = session.info["principal"]
    if not principal.may_write_people:
        raise not_allowed()


async def _first_day(session: AsyncSession, asked: NamesChange, current_from: date | None) -> date | None:
    """The day the new name counts from; a correction keeps the days of the name it puts right."""
    if asked.is_correction:
        return current_from
    today = await get_today(session)
    since = asked.effective_on or today
    message = None
    if since > today:
        message = Text(
            ja="氏名の変更日に将来の日付は指定できません。", en="A name cannot change on a day to come."
        )
    elif current_from is not None and since < current_from:
        message = Text(
            ja=f"{current_from} からの氏名がすでに登録されています。",
            en=f"A name from {current_from} on is recorded already.",
        )
    if message is not None:
        problem = FieldProblem(field="effective_on", code="name.day", message=message)
        raise Invalid(message, fields=(problem,))
    return since


def _remainder(current: Any, *, person_id: int, until_on: date) -> dict[str, object]:
    kept = {
        name: current[name]
        for name in (
            "family_kanji",
            "given_kanji",
            "family_kana",
            "given_kana",
            "family_latin",
            "given_latin",
            "work_email",
            "change_order_id",
        )
    }
    return {
        "person_id": person_id,
        **kept,
        "kana_key": current["kana_key"],
        "valid": days(current["from_on"], until_on),
    }


def _private_values(asked: PrivateChange) -> dict[str, object]:
    values: dict[str, object] = {
        name: getattr(asked, name)
        for name in ("birth_on", "gender", "personal_email", "personal_phone")
        if name in asked.model_fields_set
    }
    if "address" in asked.model_fields_set:
        parts = asked.address
        for name in ("postal_code", "prefecture", "city", "line1", "line2"):
            values[name] = (getattr(parts, name) or None) if parts is not None else None
    return values
