"""Planned assignments as people see them, before anything is written."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.names import Locale
from hrx.app.people.employees.queries.records import Reference, find_references
from hrx.app.people.employees.record import Segment
from hrx.app.platform.tenancy import Principal


async def shape_planned(
    session: AsyncSession, *, before: Sequence[Segment], after: Sequence[Segment]
) -> dict[str, list[dict[str, object]]]:
    """Both sides of a preview, in the shape of assignments; a planned row has no id yet (0)."""
    principal: Principal = session.info["principal"]
    references = await find_references(session, [*before, *after])

    def shape(segment: Segment) -> dict[str, object]:
        unit = references.get(("org_unit", segment.org_unit_id))
        position = references.get(("position", segment.position_id or 0))
        manager = references.get(("manager", segment.manager_id or 0))
        locale = principal.locale
        return {
            "id": segment.id or 0,
            "employment_id": segment.employment_id or 0,
            "kind": segment.kind,
            "org_unit": {"id": segment.org_unit_id, "name": _name(unit, locale)},
            "position": position and {"id": position.id, "title": _name(position, locale)},
            "manager": manager and {"id": manager.id, "name": _name(manager, locale)},
            "grade": segment.grade,
            "fte": float(segment.fte),
            "valid_from": segment.from_on,
            "valid_to": segment.until_on,
            "known_from": None,
            "known_to": None,
            "change_order_id": segment.order_id,
        }

    return {"before": [shape(s) for s in before], "after": [shape(s) for s in after]}


def _name(found: Reference | None, locale: Locale) -> str:
    if found is None:
        return ""
    return found.ja or found.en if locale == "ja" else found.en or found.ja
