"""Orders about the organisation: units that come, change and go, and positions."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.actions.ordering import Asking, Outcome, ask_for, carries_out
from hrx.app.people.employees.actions.recording import days
from hrx.app.people.org.inputs import (
    PositionCreation,
    UnitClosure,
    UnitCreation,
    UnitHead,
    UnitMove,
    UnitRename,
)
from hrx.app.people.org.models import ORG_UNIT, ORG_UNIT_VERSION, POSITION, POSITION_VERSION
from hrx.app.people.org.planning import UnitRewrite, plan_change, plan_closure
from hrx.app.people.org.queries.versions import (
    count_left_behind,
    find_employee_label,
    find_unit_label,
    list_versions,
)
from hrx.app.platform.live import EventKind
from hrx.kit.errors import Conflict, FieldProblem, Invalid, Text

_CLOSE: Final = text(
    "UPDATE app.org_unit_version SET known = known, closed_by = :order_id"
    " WHERE id = ANY(CAST(:ids AS bigint[]))"
)
Change = dict[str, object]


async def create_unit(session: AsyncSession, asked: UnitCreation) -> int:
    """A new unit from a day on; gives the change order's id, as all of these do."""
    return await ask_for(
        session,
        kind="unit_create",
        effective_on=asked.effective_on,
        reason=asked.reason,
        payload=asked.stored(),
    )


async def change_unit(
    session: AsyncSession, *, org_unit_id: int, asked: UnitRename | UnitMove | UnitHead | UnitClosure
) -> int:
    """Rename, move, give another head or close, from a day on. Raises OrgUnitNotFound."""
    await list_versions(session, org_unit_id)
    return await ask_for(
        session,
        kind=_KINDS[type(asked)],
        effective_on=asked.effective_on,
        reason=asked.reason,
        payload=asked.stored(),
        org_unit_id=org_unit_id,
    )


async def create_position(session: AsyncSession, asked: PositionCreation) -> int:
    """A new position from a day on."""
    return await ask_for(
        session,
        kind="position_create",
        effective_on=asked.effective_on,
        reason=asked.reason,
        payload=asked.stored(),
    )


_KINDS: Final[dict[type, str]] = {
    UnitRename: "unit_rename",
    UnitMove: "unit_move",
    UnitHead: "unit_head",
    UnitClosure: "unit_close",
}


@carries_out("unit_create", event=EventKind.ORG_CHANGED)
async def _carry_out_creation(session: AsyncSession, order: Asking, *, is_preview: bool) -> Outcome:
    asked = UnitCreation.model_validate(order.payload)
    await _check_parent(session, asked.parent_id)
    head = await _check_head(session, asked.head_person_id, day=asked.effective_on)
    changes: list[Change] = [
        {"field": "name", "before": None, "after": {"ja": asked.name_ja, "en": asked.name_en}},
        {"field": "parent", "before": None, "after": await find_unit_label(session, asked.parent_id)},
        {"field": "head", "before": None, "after": head},
    ]
    if is_preview:
        return Outcome(changes=_filled(changes))
    unit_id = await session.scalar(insert(ORG_UNIT).values(code=asked.code).returning(ORG_UNIT.c.id))
    version = {
        "org_unit_id": unit_id,
        **asked.model_dump(include={"name_ja", "name_en", "parent_id", "kind", "head_person_id"}),
        "valid": days(asked.effective_on, None),
        "change_order_id": order.id,
        "opened_by": order.id,
    }
    await session.execute(insert(ORG_UNIT_VERSION), [version])
    return Outcome(org_unit_id=unit_id, changes=_filled(changes))


@carries_out("unit_rename", event=EventKind.ORG_CHANGED)
async def _carry_out_rename(session: AsyncSession, order: Asking, *, is_preview: bool) -> Outcome:
    asked = UnitRename.model_validate(order.payload)
    patch = {"name_ja": asked.name_ja, **({} if asked.name_en is None else {"name_en": asked.name_en})}
    before = await find_unit_label(session, order.org_unit_id)
    after = {"ja": asked.name_ja, "en": asked.name_en or ""}
    changes: list[Change] = [{"field": "name", "before": before, "after": after}]
    return await _change(session, order, patch=patch, changes=changes, is_preview=is_preview)


@carries_out("unit_move", event=EventKind.ORG_CHANGED)
async def _carry_out_move(session: AsyncSession, order: Asking, *, is_preview: bool) -> Outcome:
    asked = UnitMove.model_validate(order.payload)
    await _check_parent(session, asked.parent_id)
    current = await _parent_on(session, order)
    changes: list[Change] = [
        {
            "field": "parent",
            "before": await find_unit_label(session, current),
            "after": await find_unit_label(session, asked.parent_id),
        }
    ]
    patch = {"parent_id": asked.parent_id}
    return await _change(session, order, patch=patch, changes=changes, is_preview=is_preview)


@carries_out("unit_head", event=EventKind.ORG_CHANGED)
async def _carry_out_head(session: AsyncSession, order: Asking, *, is_preview: bool) -> Outcome:
    asked = UnitHead.model_validate(order.payload)
    head = await _check_head(session, asked.head_person_id, day=asked.effective_on)
    changes: list[Change] = [{"field": "head", "before": None, "after": head}]
    patch = {"head_person_id": asked.head_person_id}
    return await _change(session, order, patch=patch, changes=changes, is_preview=is_preview)


@carries_out("unit_close", event=EventKind.ORG_CHANGED)
async def _carry_out_closure(session: AsyncSession, order: Asking, *, is_preview: bool) -> Outcome:
    asked = UnitClosure.model_validate(order.payload)
    unit_id = _unit_of(order)
    rewrite = plan_closure(await list_versions(session, unit_id), day=asked.effective_on)
    people, units = await count_left_behind(session, org_unit_id=unit_id, day=asked.effective_on)
    if people or units:
        raise Conflict(
            Text(
                ja=f"その日以降も {people} 名と配下の {units} 組織が残っています。",
                en=f"{people} people and {units} units are still there on or after that day.",
            ),
            code="org_unit.not_empty",
            hint=Text(
                ja="先に異動と配下の組織の移動・廃止を登録してください。",
                en="Record their transfers, and move or close the units below, first.",
            ),
        )
    before = await find_unit_label(session, unit_id)
    changes: list[Change] = [{"field": "name", "before": before, "after": None}]
    if not is_preview:
        await _write(session, rewrite, order_id=order.id)
    return Outcome(org_unit_id=unit_id, changes=changes)


@carries_out("position_create", event=EventKind.ORG_CHANGED)
async def _carry_out_position(session: AsyncSession, order: Asking, *, is_preview: bool) -> Outcome:
    asked = PositionCreation.model_validate(order.payload)
    after = {"ja": asked.title_ja, "en": asked.title_en}
    changes: list[Change] = [{"field": "name", "before": None, "after": after}]
    if is_preview:
        return Outcome(changes=changes)
    position_id = await session.scalar(insert(POSITION).values(code=asked.code).returning(POSITION.c.id))
    version = {
        "position_id": position_id,
        **asked.model_dump(include={"title_ja", "title_en", "rank"}),
        "valid": days(asked.effective_on, None),
        "change_order_id": order.id,
        "opened_by": order.id,
    }
    await session.execute(insert(POSITION_VERSION), [version])
    return Outcome(changes=changes)


async def _change(
    session: AsyncSession,
    order: Asking,
    *,
    patch: dict[str, Any],
    changes: list[Change],
    is_preview: bool,
) -> Outcome:
    unit_id = _unit_of(order)
    rewrite = plan_change(await list_versions(session, unit_id), day=order.effective_on, patch=patch)
    if not is_preview:
        await _write(session, rewrite, order_id=order.id)
    return Outcome(org_unit_id=unit_id, changes=changes)


async def _write(session: AsyncSession, rewrite: UnitRewrite, *, order_id: int | None) -> None:
    """The database refuses overlaps, rings and units without their parent."""
    await session.execute(_CLOSE, {"ids": [version.id for version in rewrite.closed], "order_id": order_id})
    rows = [
        {
            "org_unit_id": version.org_unit_id,
            "name_ja": version.name_ja,
            "name_en": version.name_en,
            "parent_id": version.parent_id,
            "kind": version.kind,
            "head_person_id": version.head_person_id,
            "valid": days(version.from_on, version.until_on),
            "change_order_id": version.order_id if version.is_remainder else order_id,
            "opened_by": order_id,
        }
        for version in rewrite.opened
    ]
    if rows:
        await session.execute(insert(ORG_UNIT_VERSION), rows)


async def _parent_on(session: AsyncSession, order: Asking) -> int | None:
    versions = await list_versions(session, _unit_of(order))
    return next((v.parent_id for v in versions if v.holds_on(order.effective_on)), None)


def _unit_of(order: Asking) -> int:
    assert order.org_unit_id is not None  # noqa: S101 - these kinds are always about a unit
    return order.org_unit_id


async def _check_parent(session: AsyncSession, parent_id: int | None) -> None:
    """Another tenant's unit is no unit here; on which days it is there, the database checks."""
    if parent_id is not None and await find_unit_label(session, parent_id) is None:
        message = Text(ja="その上位組織は存在しません。", en="There is no such parent unit.")
        problem = FieldProblem(field="parent_id", code="org_unit.unknown", message=message)
        raise Invalid(message, fields=(problem,))


async def _check_head(session: AsyncSession, person_id: int | None, *, day: date) -> dict[str, object] | None:
    label = await find_employee_label(session, person_id, day=day)
    if person_id is not None and label is None:
        message = Text(ja="その日に在籍していない組織長です。", en="This head is not employed on that day.")
        problem = FieldProblem(field="head_person_id", code="manager.not_there", message=message)
        raise Invalid(message, fields=(problem,))
    return label


def _filled(changes: list[Change]) -> list[Change]:
    return [change for change in changes if change["after"] is not None]
