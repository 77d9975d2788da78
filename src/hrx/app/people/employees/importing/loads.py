"""A plan as rows of the tables, in the order in which they can refer to each other.

Pure: ids are taken beforehand. Rows are made batch by batch while PostgreSQL writes the ones before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson

from hrx.app.people.employees.importing.bulk import Load, prepare_inserts
from hrx.app.people.employees.importing.references import NewUnit
from hrx.app.people.employees.importing.state import NAME_FIELDS, ImportPlan, PersonPlan, SpellPlan
from hrx.app.people.employees.importing.timeline import FOREVER, Ref, Segment
from hrx.app.people.employees.names import Names
from hrx.app.people.employees.search import index_person, search_grams

PROVENANCE: Final = (("change_order_id", "bigint"), ("opened_by", "bigint"))
_NAMES: Final = tuple((name, "text") for name in NAME_FIELDS)

VERSION_COLUMNS: Final = (
    ("person_id", "bigint"),
    *_NAMES,
    ("work_email", "text"),
    ("kana_key", "text"),
    ("valid", "daterange"),
    *PROVENANCE,
)
_PERSON_COLUMNS: Final = (
    ("id", "bigint"),
    ("employee_number", "text"),
    *_NAMES,
    ("work_email", "text"),
    ("search_text", "text"),
    ("search_grams", "tsvector"),
    ("kana_key", "text"),
    ("employed", "datemultirange"),
    ("hired_on", "date"),
)
_UNIT_COLUMNS: Final = (
    ("org_unit_id", "bigint"),
    ("name_ja", "text"),
    ("name_en", "text"),
    ("parent_id", "bigint"),
    ("kind", "text"),
    ("head_person_id", "bigint"),
    ("valid", "daterange"),
    *PROVENANCE,
)
_POSITION_COLUMNS: Final = (
    ("position_id", "bigint"),
    ("title_ja", "text"),
    ("title_en", "text"),
    ("rank", "integer"),
    ("valid", "daterange"),
    *PROVENANCE,
)
_EMPLOYMENT_COLUMNS: Final = (
    ("employment_id", "bigint"),
    ("person_id", "bigint"),
    ("kind", "text"),
    ("employed", "daterange"),
    *PROVENANCE,
)
_ASSIGNMENT_COLUMNS: Final = (
    ("id", "bigint"),
    ("employment_id", "bigint"),
    ("person_id", "bigint"),
    ("kind", "text"),
    ("org_unit_id", "bigint"),
    ("position_id", "bigint"),
    ("manager_person_id", "bigint"),
    ("valid", "daterange"),
    *PROVENANCE,
)
_TERMS_COLUMNS: Final = (("assignment_id", "bigint"), ("grade", "text"), ("fte", "numeric"))
_AUDIT_COLUMNS: Final = (("action", "text"), ("subject_person_id", "bigint"), ("details", "jsonb"))
_PRIVATE: Final = (
    ("birth_on", "birth_on", "date"),
    ("gender", "gender", "text"),
    ("postal_code", "postal_code", "text"),
    ("prefecture", "prefecture", "text"),
    ("city", "city", "text"),
    ("line1", "address_line1", "text"),
    ("line2", "address_line2", "text"),
    ("personal_email", "personal_email", "text"),
    ("personal_phone", "personal_phone", "text"),
)
_REPLACE_PRIVATE: Final = "ON CONFLICT (person_id) DO UPDATE SET updated_at = now(), " + ", ".join(
    f"{column} = excluded.{column}" for column, _, _ in _PRIVATE
)

#: New people whose names are folded while PostgreSQL writes as many others.
_AHEAD: Final = 2_000

Row = tuple[Any, ...]


@dataclass(slots=True)
class Ids:
    """Ids of everything that the plan refers to: recorded and new."""

    people: dict[str, int]
    units: dict[str, int]
    positions: dict[str, int]
    #: New spells by identity: the plan holds each once, and they are not hashable.
    spells: dict[int, int]
    #: One for every new post, in the order of the plan.
    posts: list[int]

    def unit(self, ref: Ref) -> int:
        return self.units[ref] if isinstance(ref, str) else ref

    def spell(self, spell: SpellPlan) -> int:
        return self.spells[id(spell)] if spell.spell_id is None else spell.spell_id

    def position(self, ref: Ref | None) -> int | None:
        return self.positions[ref] if isinstance(ref, str) else ref


@dataclass(frozen=True, slots=True)
class PlanRows:
    """All that a plan inserts, apart from what takes the place of recorded names."""

    plan: ImportPlan
    ids: Ids
    order_id: int
    import_id: int | None

    def loads(self) -> Iterator[Load]:
        """Everything, ready to be sent in this order."""
        yield from self._new_people()
        yield from self._units()
        yield from self._positions()
        yield from self._private()
        yield from self._employments()
        yield from self._assignments()
        yield from self._audit()

    def _new_people(self) -> Iterator[Load]:
        new = [
            (person, person.names)
            for person in self.plan.people
            if person.person_id is None and person.names is not None
        ]
        for at in range(0, len(new), _AHEAD):
            made = [self._new_person(person, names) for person, names in new[at : at + _AHEAD]]
            yield from prepare_inserts("person", _PERSON_COLUMNS, [row for row, _ in made])
            yield from prepare_inserts("person_version", VERSION_COLUMNS, [version for _, version in made])

    def _new_person(self, person: PersonPlan, by_field: dict[str, str]) -> tuple[Row, Row]:
        names = tuple(by_field.values())
        email = person.work_email
        index = index_person(Names(**by_field), work_email=email, employee_number=person.number)
        employed = "{" + ",".join(_range_text(spell) for spell in person.spells) + "}"
        hired = max((spell.hired for spell in person.spells), default=None)
        person_id = self.ids.people[person.number]
        found = (index.search_text, search_grams(index.search_text), index.kana_key)
        return (
            (person_id, person.number, *names, email, *found, employed, hired),
            # The first name of a person has no first day: it was theirs before they came.
            (person_id, *names, email, index.kana_key, None, None, *self._order),
        )

    def _units(self) -> Iterator[Load]:
        ids, units = self.ids, self.plan.new_units
        rows = [(ids.units[unit.key], unit.code) for unit in units]
        versions = [
            (
                ids.units[unit.key],
                unit.name,
                unit.name_en,
                None if unit.parent is None else ids.unit(unit.parent),
                unit.kind,
                None if head is None else ids.people[head],
                start,
                _open(end),
                *self._order,
            )
            for unit in units
            for start, end, head in _headships(unit)
        ]
        yield from prepare_inserts("org_unit", (("id", "bigint"), ("code", "text")), rows)
        yield from prepare_inserts("org_unit_version", _UNIT_COLUMNS, versions)

    def _positions(self) -> Iterator[Load]:
        ids, positions = self.ids, self.plan.new_positions
        rows = [(ids.positions[position.key], position.code) for position in positions]
        versions = [
            (
                ids.positions[position.key],
                position.title,
                position.title_en,
                position.rank,
                position.start,
                None,
                *self._order,
            )
            for position in positions
        ]
        yield from prepare_inserts("position", (("id", "bigint"), ("code", "text")), rows)
        yield from prepare_inserts("position_version", _POSITION_COLUMNS, versions)

    def _private(self) -> Iterator[Load]:
        rows = [
            (self.ids.people[person.number], *(person.private[field] for _, field, _ in _PRIVATE))
            for person in self.plan.people
            if person.private is not None
        ]
        columns = (("person_id", "bigint"), *((column, kind) for column, _, kind in _PRIVATE))
        yield from prepare_inserts("person_private", columns, rows, on_conflict=_REPLACE_PRIVATE)

    def _employments(self) -> Iterator[Load]:
        rows: list[Row] = []
        versions: list[Row] = []
        for person in self.plan.people:
            person_id = self.ids.people[person.number]
            for spell in person.spells:
                if spell.spell_id is None:
                    rows.append((self.ids.spell(spell), person_id))
                if spell.is_changed:
                    days = (spell.hired, _open(spell.end))
                    versions.append((self.ids.spell(spell), person_id, spell.kind, *days, *self._order))
        yield from prepare_inserts("employment", (("id", "bigint"), ("person_id", "bigint")), rows)
        yield from prepare_inserts("employment_version", _EMPLOYMENT_COLUMNS, versions)

    def _assignments(self) -> Iterator[Load]:
        opened = [
            (self.ids.people[person.number], self.ids.spell(spell), segment)
            for person in self.plan.people
            for spell in person.spells
            for segment in spell.opened
        ]
        posts = list(zip(self.ids.posts, opened, strict=True))
        rows = [(post_id, *self._assignment(*post)) for post_id, post in posts]
        terms = [(post_id, segment.terms.grade, segment.terms.fte) for post_id, (_, _, segment) in posts]
        yield from prepare_inserts("assignment", _ASSIGNMENT_COLUMNS, rows)
        yield from prepare_inserts("assignment_terms", _TERMS_COLUMNS, terms)

    def _assignment(self, person_id: int, spell_id: int, segment: Segment) -> Row:
        said, ids = segment.terms, self.ids
        return (
            spell_id,
            person_id,
            segment.kind,
            ids.unit(said.unit),
            ids.position(said.position),
            None if said.manager is None else ids.people[said.manager],
            segment.start,
            _open(segment.end),
            # A row that is only cut keeps the order that its facts come from.
            segment.order_id or self.order_id,
            self.order_id,
        )

    def _audit(self) -> Iterator[Load]:
        """One entry for each person, so that "who changed this record" finds the import."""
        details = orjson.dumps({"import_id": self.import_id}).decode()
        rows = [
            (
                "person.imported" if person.person_id is None else "person.changed_by_import",
                self.ids.people[person.number],
                details,
            )
            for person in self.plan.people
        ]
        yield from prepare_inserts("audit_entry", _AUDIT_COLUMNS, rows)

    @property
    def _order(self) -> tuple[int, int]:
        return self.order_id, self.order_id


def _headships(unit: NewUnit) -> Iterator[tuple[date, date, str | None]]:
    """The days of a unit cut by who heads it, days without a head included."""
    at = unit.start
    for start, end, head in unit.heads:
        if start > at:
            yield at, start, None
        yield start, end, head
        at = end
    if at < FOREVER:
        yield at, FOREVER, None


def _range_text(spell: SpellPlan) -> str:
    return f"[{spell.hired},{_open(spell.end) or ''})"


def _open(end: date) -> date | None:
    """FOREVER as the database writes it: no bound."""
    return None if end == FOREVER else end
