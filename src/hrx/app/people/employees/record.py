"""One person's record as known now, and what a change would make of it. Pure data.

Days are half-open here, as in the database: `until_on` is the first day on which it no longer holds, None
when no end is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

AssignmentKind = Literal["primary", "concurrent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """An assignment for some days. `id` is None before it is written; `employment_id` None: the new spell."""

    id: int | None = None
    employment_id: int | None
    kind: AssignmentKind
    org_unit_id: int
    position_id: int | None
    manager_id: int | None
    grade: str | None
    fte: Decimal
    from_on: date
    until_on: date | None
    #: The order that these facts come from; None: the order that is being carried out.
    order_id: int | None = None
    #: A remainder of what was recorded before, as opposed to what the change says anew.
    is_remainder: bool = False

    def holds_on(self, day: date) -> bool:
        return self.from_on <= day and (self.until_on is None or day < self.until_on)

    def meets(self, from_on: date, until_on: date | None) -> bool:
        """Whether it holds on any day of a period."""
        return (until_on is None or self.from_on < until_on) and (
            self.until_on is None or from_on < self.until_on
        )

    def kept(self, *, from_on: date | None = None, until_on: date | None = None) -> Segment:
        """The same facts for fewer days; a bound that is not given stays."""
        return replace(
            self,
            id=None,
            from_on=from_on or self.from_on,
            until_on=until_on or self.until_on,
            is_remainder=self.is_remainder or self.id is not None,
        )

    def changed(self, patch: dict[str, Any], *, from_on: date, until_on: date | None) -> Segment:
        """New facts, from this order, for these days."""
        return replace(
            self, id=None, order_id=None, is_remainder=False, from_on=from_on, until_on=until_on, **patch
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A spell of employment as known. `version_id` is None before it is written."""

    version_id: int | None = None
    employment_id: int | None
    kind: str
    from_on: date
    until_on: date | None
    order_id: int | None = None

    def holds_on(self, day: date) -> bool:
        return self.from_on <= day and (self.until_on is None or day < self.until_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord:
    """All spells and assignments of a person as known now, by their days."""

    person_id: int
    spells: tuple[Spell, ...]
    segments: tuple[Segment, ...]

    def find_spell(self, day: date) -> Spell | None:
        return next((spell for spell in self.spells if spell.holds_on(day)), None)

    def find_primary(self, day: date) -> Segment | None:
        return next((s for s in self.segments if s.kind == "primary" and s.holds_on(day)), None)

    def segments_of(self, employment_id: int | None) -> tuple[Segment, ...]:
        return tuple(s for s in self.segments if s.employment_id == employment_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """What ends being known, and what is known instead. Everything else of the record stays."""

    closed_spells: tuple[Spell, ...] = ()
    opened_spells: tuple[Spell, ...] = ()
    closed_segments: tuple[Segment, ...] = ()
    opened_segments: tuple[Segment, ...] = ()

    @property
    def new_segments(self) -> tuple[Segment, ...]:
        """What the change says anew."""
        return tuple(segment for segment in self.opened_segments if not segment.is_remainder)

    def applied_to(self, record: PersonRecord) -> PersonRecord:
        """The record as it will be known."""
        spells = [spell for spell in record.spells if spell not in self.closed_spells]
        segments = [segment for segment in record.segments if segment not in self.closed_segments]
        return PersonRecord(
            person_id=record.person_id,
            spells=tuple(sorted([*spells, *self.opened_spells], key=lambda spell: spell.from_on)),
            segments=in_order([*segments, *self.opened_segments]),
        )


def in_order(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """By first day, the primary one first."""
    return tuple(sorted(segments, key=lambda s: (s.from_on, s.kind != "primary", s.org_unit_id, s.id or 0)))


def earliest(*days: date | None) -> date | None:
    """The earliest of some ends, where None means no end."""
    known = [day for day in days if day is not None]
    return min(known) if known else None
