"""Three years and more in the life of the demo company, simulated day by day of change.

Pure: a seed and a day give the same careers. Staff of the first day, then every spring and autumn promotions
and transfers, people who come and leave all year round, heads who retire and are followed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from hrx.app.demo.names import MadeName, Sex, make_name
from hrx.app.demo.units import UnitSpec, head_title, list_units

YEARS: Final = 3
_ONE_DAY: Final = timedelta(days=1)
#: Ages at which people of each grade are on the first day, and how many years they have served.
_AGES: Final = {
    8: (57, 62),
    7: (52, 58),
    6: (47, 55),
    5: (41, 51),
    4: (36, 46),
    3: (30, 42),
    2: (25, 38),
    1: (19, 33),
}
_GRADE_OF: Final = {
    "代表取締役社長": 8,
    "取締役本部長": 7,
    "支社長": 6,
    "工場長": 6,
    "部長": 6,
    "室長": 5,
    "課長": 5,
}
_TITLE_OF: Final = {4: "係長", 3: "主任"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody stands from a day on."""

    unit: str
    title: str | None
    grade: int
    is_head: bool = False


@dataclass(slots=True, kw_only=True)
class Stay:
    """One spell of employment: places by the day they begin; `left` is the last day."""

    hired: date
    left: date | None = None
    places: list[tuple[date, Place]] = field(default_factory=list)

    def place_on(self, day: date) -> Place | None:
        if day < self.hired or (self.left is not None and day > self.left):
            return None
        found = None
        for start, place in self.places:
            if start > day:
                break
            found = place
        return found

    def move(self, day: date, place: Place) -> None:
        if self.places and self.places[-1][0] == day:
            self.places[-1] = (day, place)
        else:
            self.places.append((day, place))


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPost:
    """A concurrent post, from its first to its last day."""

    unit: str
    title: str | None
    start: date
    last: date | None


@dataclass(slots=True, kw_only=True)
class Career:
    """One made-up person."""

    serial: int
    name: MadeName
    sex: Sex
    born: date
    kind: str
    fte: str
    stays: list[Stay]
    second_posts: list[SecondPost] = field(default_factory=list)

    @property
    def stay(self) -> Stay:
        return self.stays[-1]

    def place_on(self, day: date) -> Place | None:
        return next((place for stay in self.stays if (place := stay.place_on(day)) is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Everything that happened, up to the anchor day."""

    anchor: date
    begins: date
    units: dict[str, UnitSpec]
    unit_since: dict[str, date]
    careers: list[Career]


def simulate(*, anchor: date, seed: int) -> Company:
    """The company as it came to be by `anchor`."""
    return _Simulation(anchor, random.Random(seed)).run()  # noqa: S311 - a made-up world, not a secret.


def april(year: int) -> date:
    return date(year, 4, 1)


class _Simulation:
    def __init__(self, anchor: date, chance: random.Random) -> None:
        self._anchor = anchor
        self._chance = chance
        year = anchor.year if anchor >= april(anchor.year) else anchor.year - 1
        self._begins = april(year - YEARS)
        self._units = {unit.code: unit for unit in list_units()}
        self._since = {
            code: april(self._begins.year + unit.since) for code, unit in self._units.items() if unit.since
        }
        self._careers: list[Career] = []

    def run(self) -> Company:
        for unit in self._units.values():
            if not unit.since:
                self._staff_unit(unit)
        for day in self._event_days():
            self._retire_and_leave(day)
            if day.day == 1:
                self._come_midyear(day)
            if day.day == 1 and day.month in (4, 10):
                self._reorganise(day)
        self._give_second_posts()
        self._come_back()
        return Company(
            anchor=self._anchor,
            begins=self._begins,
            units=self._units,
            unit_since=self._since,
            careers=self._careers,
        )

    def _event_days(self) -> Iterator[date]:
        """First days of months, and last ones, after the beginning and up to the anchor."""
        day = self._begins + _ONE_DAY
        while day <= self._anchor:
            if day.day == 1 or (day + _ONE_DAY).day == 1:
                yield day
            day += _ONE_DAY

    # ── the first day ─────────────────────────────────────────────────────────────────────────────
    def _staff_unit(self, unit: UnitSpec) -> None:
        title = head_title(unit)
        self._settle(Place(unit=unit.code, title=title, grade=_GRADE_OF[title], is_head=True))
        for number in range(unit.staff):
            grade = 4 if number == 0 else self._chance.choices((3, 2, 1), (3, 5, 4))[0]
            self._settle(Place(unit=unit.code, title=_TITLE_OF.get(grade), grade=grade))

    def _settle(self, place: Place) -> None:
        """Somebody who has been here for years when the history begins."""
        low, high = _AGES[place.grade]
        age = self._chance.randint(low, high)
        born = self._born(age, self._begins)
        first_possible = max(18, age - 2 * (place.grade + 2) - self._chance.randint(0, 14))
        hired_year = max(born.year + first_possible, born.year + 18)
        hired = april(min(hired_year, self._begins.year - 1))
        if self._chance.random() < 0.3:
            hired = date(hired.year, self._chance.choice((1, 5, 7, 9, 10, 11)), 1)
        stay = Stay(hired=hired, places=[(self._begins, place)])
        self._add(stay, born, place)

    def _add(self, stay: Stay, born: date, place: Place) -> Career:
        sex: Sex = "female" if self._chance.random() < 0.37 else "male"
        kind, fte = "regular", "1.000"
        if place.grade >= 7:
            kind = "executive"
        elif place.grade == 1 and self._units[place.unit].parent in ("MS-MFG-K", "MS-MFG-Y"):
            if self._chance.random() < 0.2:
                kind, fte = "part_time", self._chance.choice(("0.600", "0.750", "0.800"))
        elif not place.is_head and self._chance.random() < 0.05:
            kind = "fixed_term"
        career = Career(
            serial=len(self._careers),
            name=make_name(self._chance, sex=sex, born_year=born.year),
            sex=sex,
            born=born,
            kind=kind,
            fte=fte,
            stays=[stay],
        )
        self._careers.append(career)
        return career

    def _born(self, age: int, on: date) -> date:
        return date(on.year - age, 1, 1) + timedelta(days=self._chance.randrange(365))

    # ── as time goes by ───────────────────────────────────────────────────────────────────────────
    def _working(self, day: date) -> list[tuple[Career, Place]]:
        found = []
        for career in self._careers:
            place = career.stay.place_on(day)
            if place is not None and career.stay.left is None:
                found.append((career, place))
        return found

    def _retire_and_leave(self, day: date) -> None:
        """Month ends: some leave; at the end of March whoever has turned 62 retires."""
        if (day + _ONE_DAY).day != 1 or day == self._anchor:
            return
        working = self._working(day)
        for career, place in working:
            is_retiring = day.month == 3 and day.year - career.born.year >= 62
            # About one in thirty a year, heads more rarely.
            odds = 0.0006 if place.is_head else 0.003
            if is_retiring or self._chance.random() < odds:
                career.stay.left = day
                if place.is_head:
                    self._succeed(place, day + _ONE_DAY)

    def _succeed(self, place: Place, day: date) -> None:
        """The most senior of the unit or the units below follows; their own place is filled in turn."""
        if day > self._anchor:
            return
        candidates = [
            (career, held)
            for career, held in self._working(day)
            if (held.unit == place.unit or held.unit.startswith(f"{place.unit}-"))
            and held.grade < place.grade
        ]
        if not candidates:
            return
        career, held = max(candidates, key=lambda item: (item[1].grade, -item[0].serial))
        career.stay.move(day, place)
        if held.is_head:
            self._succeed(held, day)

    def _come_midyear(self, day: date) -> None:
        if day.month == 4:
            for _ in range(self._chance.randint(9, 12)):
                self._hire(day, age=self._chance.choices((18, 20, 22, 24), (2, 1, 6, 2))[0], grade=1)
        elif self._chance.random() < 0.5:
            for _ in range(self._chance.randint(1, 2)):
                self._hire(day, age=self._chance.randint(26, 41), grade=self._chance.choice((1, 2, 2, 3)))

    def _hire(self, day: date, *, age: int, grade: int) -> None:
        unit = self._some_unit(day)
        place = Place(unit=unit.code, title=_TITLE_OF.get(grade), grade=grade)
        self._add(Stay(hired=day, places=[(day, place)]), self._born(age, day), place)

    def _some_unit(self, day: date, *, near: str | None = None) -> UnitSpec:
        """A unit with staff, by size; one of the same site when `near` a unit."""
        units = [
            unit
            for unit in self._units.values()
            if unit.staff
            and self._since.get(unit.code, day) <= day
            and (near is None or unit.site == self._units[near].site)
            and unit.code != near
        ]
        return self._chance.choices(units, [unit.staff for unit in units])[0]

    def _reorganise(self, day: date) -> None:
        """Personnel changes of the first of April and October."""
        is_spring = day.month == 4
        for unit in self._units.values():
            if self._since.get(unit.code) == day:
                self._found_unit(unit, day)
        for career, place in self._working(day):
            if place.is_head or career.stay.hired == day:
                continue
            roll = self._chance.random()
            if roll < (0.07 if is_spring else 0.03) and place.grade < 4:
                grade = place.grade + 1
                place = replace(place, grade=grade, title=_TITLE_OF.get(grade))
                career.stay.move(day, place)
            elif roll > (0.93 if is_spring else 0.96):
                career.stay.move(day, replace(place, unit=self._some_unit(day, near=place.unit).code))
        self._rotate_heads(day)

    def _found_unit(self, unit: UnitSpec, day: date) -> None:
        """A new unit takes its people from sales."""
        pool = [
            (career, place)
            for career, place in self._working(day)
            if not place.is_head
            and place.unit.startswith("MS-SAL-E")
            and place.grade >= (2 if unit.staff else 4)
        ]
        self._chance.shuffle(pool)
        title = head_title(unit)
        leaders = sorted(pool, key=lambda item: -item[1].grade)[:1]
        for career, _ in leaders:
            place = Place(unit=unit.code, title=title, grade=_GRADE_OF[title], is_head=True)
            career.stay.move(day, place)
        for career, held in [item for item in pool if item not in leaders][: max(unit.staff - 2, 0)]:
            career.stay.move(day, replace(held, unit=unit.code))
        for _ in range(min(unit.staff, 2)):
            place = Place(unit=unit.code, title=None, grade=2)
            self._add(Stay(hired=day, places=[(day, place)]), self._born(29, day), place)

    def _rotate_heads(self, day: date) -> None:
        """Two section heads of one department change seats."""
        heads = [(c, p) for c, p in self._working(day) if p.is_head and p.title == "課長"]
        self._chance.shuffle(heads)
        for career, place in heads[:2]:
            parent = self._units[place.unit].parent
            for other, seat in heads[2:]:
                if self._units[seat.unit].parent == parent and other.stay.places[-1][0] < day:
                    career.stay.move(day, seat)
                    other.stay.move(day, place)
                    return

    # ── at the end ────────────────────────────────────────────────────────────────────────────────
    def _give_second_posts(self) -> None:
        """兼務: experts who help elsewhere, and heads who look after a second unit for a while."""
        working = [item for item in self._working(self._anchor) if 3 <= item[1].grade <= 5]
        self._chance.shuffle(working)
        for number, (career, place) in enumerate(working[:14]):
            earliest = max(career.stay.hired, self._begins)
            starts = [day for day in self._event_days() if day.day == 1 and day.month in (4, 10)]
            starts = [day for day in starts if earliest <= day < self._anchor] or [earliest]
            start = self._chance.choice(starts)
            last = start + timedelta(days=364) if number % 4 == 0 else None
            if last is not None and last >= self._anchor:
                last = None
            unit = self._some_unit(start, near=place.unit)
            career.second_posts.append(SecondPost(unit=unit.code, title=None, start=start, last=last))

    def _come_back(self) -> None:
        """Three of those who left return: a new spell, the old one stays."""
        gone = [
            career
            for career in self._careers
            if career.stay.left is not None and self._anchor.year - career.born.year < 50
        ]
        for career in gone[:3]:
            left = career.stay.left or self._anchor
            back = (left + timedelta(days=self._chance.randint(200, 400))).replace(day=1)
            last_place = career.stay.places[-1][1]
            if back >= self._anchor or last_place.is_head:
                continue
            career.stays.append(Stay(hired=back, places=[(back, last_place)]))
