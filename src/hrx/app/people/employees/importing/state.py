"""What is recorded before an import, and what the import would make of it, as plain values.

Pure: `queries` fills the first half, planning makes the second, `writing` carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from hrx.app.people.employees.importing.cells import Value
from hrx.app.people.employees.importing.fields import FIELDS, FieldGroup
from hrx.app.people.employees.importing.references import NewPosition, NewUnit, PositionIndex, UnitIndex
from hrx.app.people.employees.importing.timeline import Segment

NAME_FIELDS: Final = (
    "family_kanji",
    "given_kanji",
    "family_kana",
    "given_kana",
    "family_latin",
    "given_latin",
)
PRIVATE_FIELDS: Final = tuple(described.name for described in FIELDS if described.group is FieldGroup.PRIVATE)


@dataclass(slots=True, kw_only=True)
class SpellState:
    """A recorded employment spell; `end` is the day after the last one, FOREVER while it lasts."""

    spell_id: int
    version_id: int
    kind: str
    hired: date
    end: date
    primary: list[Segment] = field(default_factory=list)
    concurrent: list[Segment] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class PersonState:
    """A recorded person with everything that a file could change."""

    person_id: int
    number: str
    names: dict[str, str]
    work_email: str | None
    private: dict[str, Value]
    spells: list[SpellState] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReportingLine:
    """Who somebody's manager is by their primary post, for some days."""

    start: date
    end: date
    manager: str


@dataclass(slots=True, kw_only=True)
class Record:
    """The recorded state that an import is planned against. `people` holds those whom the file names."""

    today: date
    people: dict[str, PersonState]
    #: Ids of everybody of the tenant by employee number: managers may be outside the file.
    person_ids: Mapping[str, int]
    email_owners: Mapping[str, str]
    lines: Mapping[str, list[ReportingLine]]
    units: UnitIndex
    positions: PositionIndex


@dataclass(slots=True, kw_only=True)
class SpellPlan:
    """What becomes of one spell. `closed` are recorded posts that no longer stand, `opened` the new ones."""

    spell_id: int | None
    version_id: int | None
    is_changed: bool
    kind: str
    hired: date
    end: date
    closed: list[int]
    opened: list[Segment]

    @property
    def does_something(self) -> bool:
        return self.is_changed or bool(self.closed) or bool(self.opened)


@dataclass(slots=True, kw_only=True)
class PersonPlan:
    """What becomes of one person. `names`, `private` are whole new values, None when they stay."""

    number: str
    person_id: int | None
    names: dict[str, str] | None
    work_email: str | None
    is_email_changed: bool
    private: dict[str, Value] | None
    spells: list[SpellPlan]

    @property
    def does_something(self) -> bool:
        return bool(
            self.person_id is None
            or self.names is not None
            or self.is_email_changed
            or self.private is not None
            or self.spells
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field of a recorded person before and after, as a file would write it; None is nothing."""

    field: str
    before: str | None
    after: str | None


@dataclass(slots=True, kw_only=True)
class ImportPlan:
    """The whole import: people to write, what each row does, and what must be created first."""

    people: list[PersonPlan]
    #: Row number → create, update, unchanged or error.
    actions: dict[int, str]
    changes: dict[int, list[Change]]
    new_units: list[NewUnit]
    new_positions: list[NewPosition]
    #: Digest of everything that would be written: equal plans write equal rows.
    digest: str

    def count_writes(self) -> int:
        """Rows of people and posts that carrying it out will insert."""
        new_people = sum(1 for person in self.people if person.person_id is None)
        return new_people + sum(len(spell.opened) for person in self.people for spell in person.spells)

    def counts(self) -> dict[str, int]:
        """How many rows do what."""
        counted = {"create": 0, "update": 0, "unchanged": 0, "error": 0}
        for action in self.actions.values():
            counted[action] += 1
        return counted
