"""The bitemporal truth the naive way: for each day of a small calendar, what each person does; copied whole
at every change, so that what was known at any step is simply an old copy.

Shares no code and no idea with the product: no ranges, no splitting, days only."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any


class Refused(Exception):
    """The model says that the change must not be accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What somebody does on one day. Days with the same `row` were said in one go."""

    row: int
    spell: int
    owner: int
    unit: int
    manager: int | None
    grade: str | None

    @property
    def said(self) -> tuple[int, int | None, str | None]:
        return self.unit, self.manager, self.grade


Days = dict[date, Fact]


@dataclass(slots=True)
class Move:
    """A reserved transfer, as far as taking it back needs to know it."""

    person: str
    new_row: int
    days: tuple[date, ...]
    displaced: dict[date, Fact]
    displaced_extent: tuple[date, ...]


@dataclass(slots=True)
class Truth:
    """Everybody's days, and every earlier state of them."""

    calendar: tuple[date, ...]
    people: dict[str, Days] = field(default_factory=dict)
    employed: dict[str, dict[date, int]] = field(default_factory=dict)
    moves: dict[int, Move] = field(default_factory=dict)
    past: list[dict[str, Days]] = field(default_factory=list)
    _rows: int = 0

    def remember(self) -> None:
        """Close one step of knowledge."""
        self.past.append(copy.deepcopy(self.people))

    def _row(self) -> int:
        self._rows += 1
        return self._rows

    def hire(self, person: str, day: date, *, owner: int, unit: int, manager: int | None) -> None:
        spell = self._row()
        row = self._row()
        for at in self._from(day):
            self.employed.setdefault(person, {})[at] = spell
            self.people.setdefault(person, {})[at] = Fact(
                row=row, spell=spell, owner=owner, unit=unit, manager=manager, grade=None
            )

    def may_rehire(self, person: str, day: date) -> bool:
        return not any(at >= day for at in self.employed.get(person, {}))

    def transfer(self, person: str, day: date, *, owner: int, patch: dict[str, Any]) -> None:
        days = self._employed_days(person, day)
        now = days[day]
        changed = replace(now, **patch)
        if changed.said == now.said:
            raise Refused
        row = self._row()
        extent = tuple(at for at, fact in days.items() if fact.row == now.row)
        touched = tuple(at for at in extent if at >= day)
        self.moves[owner] = Move(
            person=person,
            new_row=row,
            days=touched,
            displaced={at: days[at] for at in touched},
            displaced_extent=extent,
        )
        for at in touched:
            days[at] = replace(changed, row=row, owner=owner)

    def correct(
        self, person: str, day: date, until: date | None, *, owner: int, patch: dict[str, Any]
    ) -> None:
        days = self._employed_days(person, day)
        first = days[day]
        last = until or max(at for at, fact in days.items() if fact.row == first.row)
        reached = [
            at
            for at, fact in sorted(days.items())
            if day <= at
            and (at < last if until else at <= last)
            and fact.spell == first.spell
            and replace(fact, **patch).said != fact.said
        ]
        if not reached:
            raise Refused
        for old_row in {days[at].row for at in reached}:
            self._split(days, old_row, [at for at in reached if days[at].row == old_row], owner, patch)

    def _split(
        self, days: Days, old_row: int, touched: list[date], owner: int, patch: dict[str, Any]
    ) -> None:
        new_row, rest_row = self._row(), self._row()
        for at, fact in list(days.items()):
            if fact.row != old_row:
                continue
            if at in touched:
                days[at] = replace(fact, row=new_row, owner=owner, **patch)
            elif at > max(touched):
                days[at] = replace(fact, row=rest_row)

    def depart(self, person: str, last: date) -> None:
        """`last`: the last day of the calendar on which the person is employed."""
        days = self._employed_days(person, last)
        spell = self.employed[person][last]
        gone = [at for at, found in self.employed[person].items() if found == spell and at > last]
        if not gone:
            raise Refused
        for at in gone:
            del self.employed[person][at]
            days.pop(at, None)

    def cancel(self, owner: int) -> None:
        move = self.moves[owner]
        days = self.people[move.person]
        owned = tuple(at for at, fact in sorted(days.items()) if fact.owner == owner)
        if owned != move.days or any(days[at].row != move.new_row for at in owned):
            raise Refused
        before = [at for at in self.calendar if at < move.days[0]]
        goes_on = None
        if before and before[-1] in move.displaced_extent:
            goes_on = days.get(before[-1])
        for at in move.days:
            old = move.displaced[at]
            days[at] = replace(goes_on or old, spell=old.spell)

    def _employed_days(self, person: str, day: date) -> Days:
        if day not in self.employed.get(person, {}):
            raise Refused
        return self.people[person]

    def _from(self, day: date) -> list[date]:
        return [at for at in self.calendar if at >= day]
