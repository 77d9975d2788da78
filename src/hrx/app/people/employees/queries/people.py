"""One person: the page about them, and their history on both axes."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.addresses import Address, format_address, format_postal_code
from hrx.app.people.employees.eras import format_era
from hrx.app.people.employees.names import Locale, Names, display_name
from hrx.app.people.employees.queries.asked import Asked
from hrx.app.people.employees.queries.assignments import ASSIGNMENT_WORDS, shape_assignment
from hrx.app.people.employees.queries.directory import STATUS_NAME, unit_card
from hrx.app.people.employees.queries.orders import ORDER_JSON, ORDER_SOURCE, shape_order
from hrx.app.people.employees.queries.units import UnitTree, get_tree
from hrx.app.platform.db import fetch_dicts
from hrx.app.platform.tenancy import Principal, Role
from hrx.kit.errors import NotFound, Text

PersonDetail = dict[str, object]


class PersonNotFound(NotFound):
    """No such person, or none that the reader may see on that day: both look the same."""

    code = "person.not_found"


def person_not_found() -> PersonNotFound:
    return PersonNotFound(
        Text(ja="その社員は見つかりません。", en="This person was not found."),
        hint=Text(
            ja="退職者や過去の情報は、権限のある人だけが閲覧できます。",
            en="Those who left, and other days than today, are shown only to those who may see them.",
        ),
    )


_NAME_PARTS: Final = (
    "family_kanji",
    "given_kanji",
    "family_kana",
    "given_kana",
    "family_latin",
    "given_latin",
)
#: Indexes: the primary keys, assignment_of_person, assignment_under_manager, change_order_of_person.
_DETAIL: Final = """
SELECT p.id, p.employee_number, n.family_kanji, n.given_kanji, n.family_kana, n.given_kana, n.family_latin,
       n.given_latin, n.work_email, {status_name} AS employment_status,
       app.person_access(p.id, {day}) AS access,
       (SELECT coalesce(json_agg(json_build_object(
            'id', e.employment_id, 'kind', e.kind, 'hired_on', lower(e.employed),
            'left_on', upper(e.employed) - 1)
            ORDER BY lower(e.employed)), '[]')
        FROM app.employment_version AS e
        WHERE e.person_id = p.id AND {known:e}) AS employments,
       (SELECT coalesce(json_agg({assignment_json} ORDER BY a.kind DESC, a.id), '[]')
        FROM {assignment_source}
        WHERE a.person_id = p.id AND {known:a} AND a.valid @> {day}) AS assignments,
       (SELECT coalesce(json_agg(json_build_object(
            'id', x.person_id, 'kanji', concat_ws(' ', nullif(h.family_kanji, ''), nullif(h.given_kanji, '')),
            'latin', concat_ws(' ', nullif(h.given_latin, ''), nullif(h.family_latin, '')),
            'title_ja', pv.title_ja, 'title_en', pv.title_en, 'org_unit_id', x.org_unit_id,
            'is_concurrent', x.kind = 'concurrent')
            ORDER BY h.kana_key, h.id), '[]')
        FROM app.assignment AS x
        JOIN app.person AS h ON h.id = x.person_id
        LEFT JOIN app.position_version AS pv
          ON pv.position_id = x.position_id AND {known:pv} AND pv.valid @> {day}
        WHERE x.manager_person_id = p.id AND {known:x} AND x.valid @> {day}) AS direct_reports,
       (SELECT coalesce(json_agg({order_json} ORDER BY c.effective_on, c.id), '[]')
        FROM {order_source}
        WHERE c.person_id = p.id AND c.state IN ('proposed', 'reserved')) AS reservations,
       (SELECT row_to_json(private) FROM (
          SELECT s.birth_on, s.gender, s.personal_email, s.personal_phone, s.postal_code, s.prefecture,
                 s.city, s.line1, s.line2
          FROM app.person_private AS s
          WHERE s.person_id = p.id) AS private) AS private
FROM app.person AS p
JOIN app.person_version AS n ON n.person_id = p.id AND {known:n} AND n.valid @> {day}
WHERE p.id = :person_id
"""
_WORDS: Final = {
    **ASSIGNMENT_WORDS,
    "status_name": STATUS_NAME,
    "employed": "p.employed",
    "order_json": ORDER_JSON,
    "order_source": ORDER_SOURCE,
    "on": "{day}",
}


async def get_person(session: AsyncSession, *, person_id: int, asked: Asked) -> PersonDetail:
    """The page about a person on the asked day, as far as the reader may see it. One statement.

    The caller records the reading when `private` is not None. Raises PersonNotFound."""
    principal: Principal = session.info["principal"]
    tree = await get_tree(session, asked)
    parameters = {"person_id": person_id, **asked.parameters}
    rows = await fetch_dicts(session, asked.fill(_DETAIL, **_WORDS), parameters)
    if not rows or rows[0]["access"] is None:
        raise person_not_found()
    return _shape(rows[0], tree=tree, principal=principal)


def _shape(found: dict[str, Any], *, tree: UnitTree, principal: Principal) -> PersonDetail:
    locale, access = principal.locale, found["access"]
    assignments = [
        shape_assignment(raw, locale=locale, is_directory=access == "directory")
        for raw in found["assignments"]
    ]
    primary = next((raw for raw in found["assignments"] if raw["kind"] == "primary"), None)
    shown = next((shaped for shaped in assignments if shaped["kind"] == "primary"), None)
    names = Names(**{part: found[part] for part in _NAME_PARTS})
    return {
        "id": found["id"],
        "employee_number": found["employee_number"],
        "name": {
            "display": display_name(kanji=names.kanji, latin=names.latin, locale=locale),
            "kanji": names.kanji,
            "kana": names.kana,
            "latin": names.latin,
        },
        "names": names.as_dict(),
        "work_email": found["work_email"],
        "org_unit": primary and unit_card(primary["org_unit_id"], tree=tree, locale=locale),
        "position": shown and shown["position"],
        "manager": shown and shown["manager"],
        "employment_status": found["employment_status"],
        "is_concurrent_elsewhere": any(shaped["kind"] == "concurrent" for shaped in assignments),
        "employments": found["employments"],
        "assignments": assignments,
        "private": _shape_private(found["private"] or {}, locale=locale) if access == "full" else None,
        "access": access,
        "direct_reports": [_shape_report(raw, tree=tree, locale=locale) for raw in found["direct_reports"]],
        "reservations": [shape_order(raw, locale=locale) for raw in found["reservations"]],
        "may": _may(principal, access=access, is_active=found["employment_status"] == "active"),
    }


def _shape_report(raw: dict[str, Any], *, tree: UnitTree, locale: Locale) -> dict[str, object]:
    title = raw["title_ja"] if locale == "ja" else raw["title_en"] or raw["title_ja"]
    return {
        "id": raw["id"],
        "name": display_name(kanji=raw["kanji"], latin=raw["latin"], locale=locale),
        "position_title": title,
        "org_unit": unit_card(raw["org_unit_id"], tree=tree, locale=locale),
        "is_concurrent": raw["is_concurrent"],
    }


def _may(principal: Principal, *, access: str, is_active: bool) -> dict[str, bool]:
    """Which doors to show; the database decides again when one is used."""
    writes = principal.may_write_people
    proposes = access == "line" and principal.is_any(Role.MANAGER)
    return {
        "transfer": is_active and (writes or proposes),
        "terminate": is_active and (writes or proposes),
        "correct": writes,
        "edit_private": writes,
    }


def _shape_private(raw: dict[str, Any], *, locale: Locale) -> dict[str, object]:
    address = Address(
        **{part: raw.get(part) or "" for part in ("postal_code", "prefecture", "city", "line1", "line2")}
    )
    birth_on = raw.get("birth_on")
    return {
        "birth_on": birth_on,
        "birth_era": format_era(date.fromisoformat(birth_on)) if birth_on else None,
        "gender": raw.get("gender"),
        "address": None
        if address.is_empty
        else {
            "postal_code": format_postal_code(address.postal_code),
            "prefecture": address.prefecture,
            "city": address.city,
            "line1": address.line1,
            "line2": address.line2,
            "display": format_address(address, locale=locale),
        },
        "personal_email": raw.get("personal_email"),
        "personal_phone": raw.get("personal_phone"),
    }
