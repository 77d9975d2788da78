"""The org chart and the list of units: the tree, its heads, how many work where, and who."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.names import Locale, display_name
from hrx.app.people.employees.queries.asked import Asked
from hrx.app.people.employees.queries.units import Unit, UnitTree, get_tree
from hrx.app.platform.db import fetch_dicts
from hrx.app.platform.tenancy import Principal
from hrx.kit.errors import NotFound, Text

Node = dict[str, object]


class OrgUnitNotFound(NotFound):
    """No such unit on that day, or none that the reader may see."""

    code = "org_unit.not_found"


def unit_not_found() -> OrgUnitNotFound:
    return OrgUnitNotFound(
        Text(ja="その組織は見つかりません。", en="This org unit was not found."),
        hint=Text(
            ja="基準日に存在しない組織は表示されません。",
            en="Units that are not there on the day are not shown.",
        ),
    )


#: One pass over the assignments of the day; index: assignment_in_unit where the planner finds it cheaper.
_HEADCOUNTS: Final = """
SELECT a.org_unit_id, count(*) AS headcount
FROM app.assignment AS a
WHERE a.kind = 'primary' AND {known:a} AND a.valid @> {day}
GROUP BY a.org_unit_id
"""
_NAMES: Final = """
SELECT p.id, concat_ws(' ', nullif(p.family_kanji, ''), nullif(p.given_kanji, '')) AS kanji,
       concat_ws(' ', nullif(p.given_latin, ''), nullif(p.family_latin, '')) AS latin
FROM app.person AS p
WHERE p.id = ANY(CAST(:ids AS bigint[]))
"""
#: Index: assignment_in_unit.
_MEMBERS: Final = """
SELECT a.org_unit_id, a.person_id AS id, a.kind = 'concurrent' AS is_concurrent, a.manager_person_id,
       concat_ws(' ', nullif(n.family_kanji, ''), nullif(n.given_kanji, '')) AS kanji,
       concat_ws(' ', nullif(n.given_latin, ''), nullif(n.family_latin, '')) AS latin,
       pv.title_ja, pv.title_en
FROM app.assignment AS a
JOIN app.person_version AS n ON n.person_id = a.person_id AND {known:n} AND n.valid @> {day}
LEFT JOIN app.position_version AS pv
  ON pv.position_id = a.position_id AND {known:pv} AND pv.valid @> {day}
WHERE a.org_unit_id = ANY(CAST(:unit_ids AS bigint[])) AND {known:a} AND a.valid @> {day}
ORDER BY a.org_unit_id, coalesce(pv.rank, 100000), n.kana_key, a.person_id, a.id
"""
_DAY: Final = 'SELECT app.asked_on() AS "on"'


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartQuestion:
    """Which part of the chart is wanted. `depth` levels below the root (or roots); None: all of them."""

    asked: Asked = field(default_factory=Asked)
    root_id: int | None = None
    depth: int | None = None
    with_people: bool = False


async def get_chart(session: AsyncSession, question: ChartQuestion) -> dict[str, object]:
    """The chart, parents before their children; totals count everybody below, shown or not.

    Raises OrgUnitNotFound for a root that is not there on the day."""
    principal: Principal = session.info["principal"]
    tree = await get_tree(session, question.asked)
    if question.root_id is not None and question.root_id not in tree.units:
        raise unit_not_found()
    roots = tree.root_ids if question.root_id is None else [question.root_id]
    shown = [unit_id for root in roots for unit_id in tree.within(root, depth=question.depth)]
    counts = await _count(session, question.asked)
    totals = _total(tree, counts)
    members = await _list_members(session, question, shown, locale=principal.locale)
    heads = await _name_heads(session, (tree.units[unit_id] for unit_id in shown), locale=principal.locale)
    (day,) = await fetch_dicts(session, _DAY, {})
    return {
        "as_of": day["on"],
        "as_known": question.asked.as_known,
        "root_ids": roots,
        "nodes": [
            {
                **_node(tree.units[unit_id], heads=heads, locale=principal.locale),
                "headcount": counts.get(unit_id, 0),
                "headcount_total": totals[unit_id],
                "people": members.get(unit_id, []),
            }
            for unit_id in shown
        ],
    }


async def list_units(session: AsyncSession, asked: Asked) -> list[Node]:
    """All units of the day, flat, by code."""
    principal: Principal = session.info["principal"]
    tree = await get_tree(session, asked)
    counts = await _count(session, asked)
    heads = await _name_heads(session, tree.units.values(), locale=principal.locale)
    return [
        {
            **_node(unit, heads=heads, locale=principal.locale),
            "code": unit.code,
            "headcount": counts.get(unit.id, 0),
        }
        for unit in tree.units.values()
    ]


def _node(unit: Unit, *, heads: Mapping[int, Node], locale: Locale) -> Node:
    return {
        "id": unit.id,
        "name": unit.name(locale),
        "parent_id": unit.parent_id,
        "kind": unit.kind,
        "head": heads.get(unit.head_id) if unit.head_id is not None else None,
    }


def _total(tree: UnitTree, counts: Mapping[int, int]) -> dict[int, int]:
    totals = {unit_id: counts.get(unit_id, 0) for unit_id in tree.units}
    for unit_id in tree.bottom_up():
        parent_id = tree.units[unit_id].parent_id
        if parent_id in totals:
            totals[parent_id] += totals[unit_id]
    return totals


async def _count(session: AsyncSession, asked: Asked) -> dict[int, int]:
    rows = await fetch_dicts(session, asked.fill(_HEADCOUNTS), asked.parameters)
    return {row["org_unit_id"]: row["headcount"] for row in rows}


async def _list_members(
    session: AsyncSession, question: ChartQuestion, shown: list[int], *, locale: Locale
) -> dict[int, list[Node]]:
    if not question.with_people:
        return {}
    rows = await fetch_dicts(
        session, question.asked.fill(_MEMBERS), {"unit_ids": shown, **question.asked.parameters}
    )
    members: dict[int, list[Node]] = defaultdict(list)
    for row in rows:
        title = row["title_ja"] if locale == "ja" else row["title_en"] or row["title_ja"]
        members[row["org_unit_id"]].append(
            {
                "id": row["id"],
                "name": display_name(kanji=row["kanji"], latin=row["latin"], locale=locale),
                "position_title": title,
                "manager_id": row["manager_person_id"],
                "is_concurrent": row["is_concurrent"],
            }
        )
    return members


async def _name_heads(session: AsyncSession, units: Iterable[Unit], *, locale: Locale) -> dict[int, Node]:
    ids = sorted({unit.head_id for unit in units if unit.head_id is not None})
    if not ids:
        return {}
    rows = await fetch_dicts(session, _NAMES, {"ids": ids})
    return {
        row["id"]: {
            "id": row["id"],
            "name": display_name(kanji=row["kanji"], latin=row["latin"], locale=locale),
        }
        for row in rows
    }


async def list_positions(session: AsyncSession, asked: Asked) -> list[dict[str, object]]:
    """All positions of the day, the highest first."""
    principal: Principal = session.info["principal"]
    rows = await session.execute(text(asked.fill(_POSITIONS)), asked.parameters)
    return [
        {
            "id": row.id,
            "code": row.code,
            "title": row.title_ja if principal.locale == "ja" else row.title_en or row.title_ja,
            "title_ja": row.title_ja,
            "title_en": row.title_en,
            "rank": row.rank,
        }
        for row in rows
    ]


_POSITIONS: Final = """
SELECT p.id, p.code, v.title_ja, v.title_en, v.rank
FROM app.position_version AS v
JOIN app.position AS p ON p.id = v.position_id
WHERE {known:v} AND v.valid @> {day}
ORDER BY v.rank, p.code
"""
