"""The directory: pages of people at a day, searched, filtered and in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.names import Locale, display_name
from hrx.app.people.employees.queries.asked import NOW, Asked
from hrx.app.people.employees.queries.units import Remembered, UnitTree, get_tree, version_key
from hrx.app.people.employees.search import PersonQuery, parse_query
from hrx.app.platform.db import fetch_dicts
from hrx.app.platform.tenancy import Principal
from hrx.kit.errors import FieldProblem, Invalid, Text

Card = dict[str, object]
#: `Any`: columns differ in type.
Row = dict[str, Any]
Key = str | int | float | bool | None

#: Up to so many hits of a search, and such a part of all units, are gathered and then sorted. With more, the
#: list is walked in its order until the page is full: the page is met soon, whatever the planner guesses.
_FEW_HITS: Final = 15_000
_FEW_UNITS: Final = 0.05
#: Column of each order; all end with the id, so that a page begins after exactly one row. Indexes:
#: person_by_kana, person_by_number, person_by_hire; person_version_by_kana for the names of another day.
_ORDER: Final = {"number": "p.number_key", "kana": "{names}.kana_key", "hired_on": "p.hired_on"}
_ORDER_TYPE: Final = {"number": "text", "kana": "text", "hired_on": "date"}


class Status(StrEnum):
    """Where a person stands on the asked day. NONE: a hire that was cancelled before the first day."""

    ACTIVE = "active"
    LEFT = "left"
    FUTURE = "future"
    ALL = "all"


_STATUS: Final = {
    Status.ACTIVE: "walk.employed @> {day}",
    Status.LEFT: "NOT walk.employed @> {day} AND lower(walk.employed) <= {day}",
    Status.FUTURE: "lower(walk.employed) > {day}",
    Status.ALL: "true",
}

#: The planner takes its row estimates, far too low for ranges, as a reason to fetch and sort everybody. What
#: stands inside a CASE it takes for a coin toss: many rows, so that walking an index in order is cheaper
#: (measured at 100,000 people: 4 ms against 350 ms).
_WALKED: Final = "CASE WHEN {conditions} THEN true ELSE false END"
_COLUMNS: Final = """p.id, p.employee_number, {names}.family_kanji, {names}.given_kanji, {names}.family_kana,
           {names}.given_kana, {names}.family_latin, {names}.given_latin, {names}.work_email, p.search_text,
           {employed} AS employed, {order} AS sort_key{version}"""
#: LIMIT 1 keeps the planner at the fifty people of the page: it takes the posts of a day for a handful and
#: would rather read everybody's. Index: assignment_of_person.
_PAGE: Final = """
WITH page AS (
  SELECT walk.*
  FROM (SELECT {columns} FROM {source} WHERE {start}) AS walk
  WHERE {chosen}
  ORDER BY walk.sort_key, walk.id
  LIMIT :limit
)
SELECT page.id, page.employee_number, page.family_kanji, page.given_kanji, page.family_kana, page.given_kana,
       page.family_latin, page.given_latin, page.work_email, page.sort_key,
       {status_name} AS employment_status, post.*,
       coalesce((SELECT true FROM app.assignment AS x
                 WHERE x.person_id = page.id AND x.kind = 'concurrent' AND {known:x} AND x.valid @> {day}
                 LIMIT 1), false) AS is_concurrent_elsewhere
FROM page
LEFT JOIN LATERAL (
  SELECT a.org_unit_id, a.position_id, pv.title_ja, pv.title_en,
         a.manager_person_id, m.family_kanji AS m_family_kanji, m.given_kanji AS m_given_kanji,
         m.family_latin AS m_family_latin, m.given_latin AS m_given_latin
  FROM app.assignment AS a
  LEFT JOIN app.position_version AS pv
    ON pv.position_id = a.position_id AND {known:pv} AND pv.valid @> {day}
  LEFT JOIN {manager}
  WHERE a.person_id = page.id AND a.kind = 'primary' AND {known:a} AND a.valid @> {day}
  LIMIT 1
) AS post ON true
ORDER BY page.sort_key, page.id
"""
_COUNT: Final = """
SELECT count(*) AS people FROM (SELECT {columns} FROM {source} WHERE {start}) AS walk WHERE {conditions}
"""

STATUS_NAME: Final = (
    "CASE WHEN {employed} @> {day} THEN 'active' WHEN lower({employed}) > {day} THEN 'future'"
    " WHEN isempty({employed}) THEN 'none' ELSE 'left' END"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a page of the directory is asked for. `after`: the last row's sort key and id."""

    asked: Asked = field(default_factory=Asked)
    q: str | None = None
    org_unit_id: int | None = None
    include_descendants: bool = True
    status: Status = Status.ACTIVE
    sort: str = "kana"
    after: Sequence[Key] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page; `after` is where the next one begins, None on the last."""

    items: list[Card]
    total: int
    after: tuple[Key, ...] | None


@dataclass(slots=True)
class _Filter:
    """Conditions beyond the status, with their parameters."""

    conditions: list[str] = field(default_factory=list)
    parameters: dict[str, object] = field(default_factory=dict)
    #: Few enough to be gathered and sorted.
    is_narrow: bool = False
    #: True when nobody can match, whatever the rest says.
    is_impossible: bool = False

    def add(self, condition: str, **parameters: object) -> None:
        self.conditions.append(condition)
        self.parameters.update(parameters)


async def list_people(session: AsyncSession, listing: Listing) -> Page:
    """One page, its order's keys and the total. `ask_about` was called before.

    Two statements at most when the total is remembered; a search asks the index once more."""
    principal: Principal = session.info["principal"]
    query = parse_query(listing.q) if listing.q else None
    tree = await get_tree(session, listing.asked)
    wanted = _Filter(is_impossible=query is not None and query.matches_nothing)
    _filter_unit(wanted, listing, tree)
    if query is not None and not wanted.is_impossible:
        await _filter_search(session, wanted, query)
    if wanted.is_impossible:
        return Page(items=[], total=0, after=None)
    rows = await _fetch(session, listing, wanted)
    shown = rows[: listing.limit]
    has_more = len(rows) > listing.limit
    cards = [card(row, tree=tree, locale=principal.locale) for row in shown]
    total = len(rows)
    if has_more or listing.after is not None:
        total = await _total(session, listing, query)
    return Page(items=cards, total=total, after=_after(shown[-1]) if has_more else None)


def card(row: Row, *, tree: UnitTree, locale: Locale) -> Card:
    """A person as the directory shows them."""
    kanji = _join(row["family_kanji"], row["given_kanji"])
    latin = _join(row["given_latin"], row["family_latin"])
    unit_id, position_id = row["org_unit_id"], row["position_id"]
    return {
        "id": row["id"],
        "employee_number": row["employee_number"],
        "name": {
            "display": display_name(kanji=kanji, latin=latin, locale=locale),
            "kanji": kanji,
            "kana": _join(row["family_kana"], row["given_kana"]),
            "latin": latin,
        },
        "work_email": row["work_email"],
        "org_unit": None if unit_id is None else unit_card(unit_id, tree=tree, locale=locale),
        "position": None
        if position_id is None
        else {"id": position_id, "title": _title(row["title_ja"], row["title_en"], locale)},
        "manager": _manager(row, locale),
        "employment_status": row["employment_status"],
        "is_concurrent_elsewhere": row["is_concurrent_elsewhere"],
    }


def unit_card(unit_id: int, *, tree: UnitTree, locale: Locale) -> dict[str, object]:
    """A unit with its path; a unit that the reader may not see on that day has no name for them."""
    path = tree.path(unit_id, locale)
    return {"id": unit_id, "name": path[-1] if path else "", "path": path}


def _manager(row: Row, locale: Locale) -> dict[str, object] | None:
    if row["manager_person_id"] is None or row["m_family_kanji"] is None:
        return None
    kanji = _join(row["m_family_kanji"], row["m_given_kanji"])
    latin = _join(row["m_given_latin"], row["m_family_latin"])
    return {
        "id": row["manager_person_id"],
        "name": display_name(kanji=kanji, latin=latin, locale=locale),
    }


def _title(ja: str | None, en: str | None, locale: Locale) -> str:
    return (ja or "") if locale == "ja" else (en or ja or "")


def _join(first: str, second: str) -> str:
    return f"{first} {second}" if first and second else first or second


def _after(row: Row) -> tuple[Key, ...]:
    key = row["sort_key"]
    return (key if isinstance(key, str) else str(key), row["id"])


#: Concurrent posts count: they work there too. Indexes: assignment_in_unit, and assignment_of_person.
_IN_UNITS: Final = (
    "FROM app.assignment AS x"
    " WHERE {whose}x.org_unit_id = ANY(CAST(:unit_ids AS bigint[])) AND {known:x} AND x.valid @> {day}"
)
_GATHERED_FROM_UNITS: Final = (
    "walk.id = ANY(ARRAY(SELECT x.person_id " + _IN_UNITS.replace("{whose}", "") + "))"
)
_WALKED_THROUGH_UNITS: Final = (
    "(SELECT true " + _IN_UNITS.replace("{whose}", "x.person_id = walk.id AND ") + " LIMIT 1)"
)


def _filter_unit(wanted: _Filter, listing: Listing, tree: UnitTree, *, counts: bool = False) -> None:
    if listing.org_unit_id is None:
        return
    unit_id = listing.org_unit_id
    if unit_id not in tree.units:
        wanted.is_impossible = True
        return
    ids = tree.within(unit_id) if listing.include_descendants else [unit_id]
    wanted.is_narrow |= len(ids) <= max(1, len(tree.units) * _FEW_UNITS)
    is_gathered = counts or wanted.is_narrow
    wanted.add(_GATHERED_FROM_UNITS if is_gathered else _WALKED_THROUGH_UNITS, unit_ids=ids)


async def _filter_search(session: AsyncSession, wanted: _Filter, query: PersonQuery) -> None:
    """Few hits are taken as ids; many are recognised while walking."""
    found = await session.scalars(
        _SEARCH, {"wanted": query.tsquery, "patterns": list(query.patterns), "at_most": _FEW_HITS + 1}
    )
    ids = list(found)
    if len(ids) <= _FEW_HITS:
        wanted.is_impossible = not ids
        wanted.is_narrow = True
        wanted.add("walk.id = ANY(CAST(:found_ids AS bigint[]))", found_ids=ids)
        return
    for number, pattern in enumerate(query.terms):
        wanted.add(f"walk.search_text ~ :term{number}", **{f"term{number}": pattern})


_SEARCH = text(
    "SELECT found.id FROM app.search_people(CAST(:wanted AS tsquery), CAST(:patterns AS text[]), :at_most)"
    " AS found (id)"
)


async def _fetch(session: AsyncSession, listing: Listing, wanted: _Filter) -> Sequence[Row]:
    parameters = {**wanted.parameters, **listing.asked.parameters, "limit": listing.limit + 1}
    if listing.after is not None:
        key, last_id = _position(listing)
        parameters |= {"after_key": key, "after_id": last_id}
    statement = _statement(
        _PAGE.replace("{chosen}", "{conditions}" if wanted.is_narrow else _WALKED),
        listing,
        conditions=tuple(wanted.conditions),
        is_continued=listing.after is not None,
    )
    return await fetch_dicts(session, statement, parameters)


def _position(listing: Listing) -> tuple[str, int]:
    match listing.after:
        case [str(key), int(last_id)]:
            return key, last_id
    message = Text(ja="ページ位置が正しくありません。", en="The page cursor is not valid.")
    raise Invalid(message, fields=(FieldProblem(field="cursor", code="cursor.invalid", message=message),))


_totals: Final[Remembered[int]] = Remembered(2_000)


async def _total(session: AsyncSession, listing: Listing, query: PersonQuery | None) -> int:
    """How many there are on all pages; counted once for a data version and a way of seeing."""
    principal: Principal = session.info["principal"]
    scope = "all" if principal.sees_everyone else f"person:{principal.person_id}"
    filters = (listing.q, listing.org_unit_id, listing.include_descendants, listing.status)
    key = version_key(session, listing.asked, scope=f"{scope}:{filters!r}")
    known = _totals.get(key)
    if known is not None:
        return known
    wanted = _Filter()
    _filter_unit(wanted, listing, await get_tree(session, listing.asked), counts=True)
    if query is not None:
        wanted.add(
            "walk.id = ANY(ARRAY(SELECT"
            " app.search_people(CAST(:wanted AS tsquery), CAST(:patterns AS text[]), NULL)))",
            wanted=query.tsquery,
            patterns=list(query.patterns),
        )
    statement = _statement(_COUNT, listing, conditions=tuple(wanted.conditions))
    (counted,) = await fetch_dicts(session, statement, {**wanted.parameters, **listing.asked.parameters})
    total = int(counted["people"])
    _totals.put(key, total)
    return total


def _statement(
    template: str, listing: Listing, *, conditions: tuple[str, ...], is_continued: bool = False
) -> str:
    # Days and moments are parameters; statements differ by whether they are asked about at all.
    asked = listing.asked
    return _compose(
        template,
        asked.as_of is not None,
        asked.as_known is not None,
        listing.status,
        listing.sort,
        is_continued,
        conditions,
    )


@lru_cache(maxsize=512)
def _compose(
    template: str,
    at_a_day: bool,
    at_a_moment: bool,
    status: Status,
    sort: str,
    is_continued: bool,
    conditions: tuple[str, ...],
) -> str:
    travels = at_a_day or at_a_moment
    start = []
    if is_continued:
        start.append(f"({{order}}, p.id) > (CAST(:after_key AS {_ORDER_TYPE[sort]}), :after_id)")
    if sort == "hired_on":
        start.append("p.hired_on IS NOT NULL")
    known_then = ["walk.valid @> {day}", "{known:walk}"] if travels else []
    words = {
        "columns": _COLUMNS,
        "version": ", n.valid, n.known" if travels else "",
        "source": _SOURCE[travels],
        "names": "n" if travels else "p",
        "manager": _MANAGER[travels],
        "status_name": STATUS_NAME.replace("{employed}", "page.employed"),
        "employed": _EMPLOYED_THEN if at_a_moment else "p.employed",
        "order": _ORDER[sort],
        "start": " AND ".join(start) or "true",
        "conditions": " AND ".join([*known_then, _STATUS[status], *conditions]),
    }
    return (_SOME_MOMENT if at_a_moment else NOW).fill(template, **words)


#: Stands for any moment: only its presence matters for the text.
_SOME_MOMENT: Final = Asked(as_known=datetime.min.replace(tzinfo=UTC))
#: Where people come from: today's names stand in `person`, those of other days and moments in its versions.
_SOURCE: Final = {
    False: "app.person AS p",
    True: "app.person_version AS n JOIN app.person AS p ON p.id = n.person_id",
}
_EMPLOYED_THEN: Final = (
    "(SELECT coalesce(range_agg(x.employed), '{}'::datemultirange)"
    " FROM app.employment_version AS x WHERE x.person_id = p.id AND {known:x})"
)
_MANAGER: Final = {
    False: "app.person AS m ON m.id = a.manager_person_id",
    True: "app.person_version AS m ON m.person_id = a.manager_person_id AND {known:m} AND m.valid @> {day}",
}
