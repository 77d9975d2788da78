"""Careers as a plan for the record: posts cut wherever place, grade or the manager above changes.

Pure. Managers follow from the organisation: the head of one's unit, and for a head the next head above."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from hrx.app.demo.careers import Career, Company, Place, Stay
from hrx.app.demo.places import make_address
from hrx.app.demo.units import FOUNDED_ON, POSITIONS
from hrx.app.people.employees.importing.cells import Value
from hrx.app.people.employees.importing.references import NewPosition, NewUnit
from hrx.app.people.employees.importing.state import ImportPlan, PersonPlan, SpellPlan
from hrx.app.people.employees.importing.timeline import FOREVER, PostKind, Segment, Terms

MAIL_DOMAIN: Final = "minato-seiki.example"
_ONE_DAY: Final = timedelta(days=1)
_SHARE_ELSEWHERE: Final = Decimal("0.200")


def shape_company(company: Company, *, seed: int) -> ImportPlan:
    """The plan that writes the company; employee numbers follow the order of first days."""
    return _Shaper(company, random.Random(seed + 1)).shape()  # noqa: S311 - made-up addresses.


class _Shaper:
    def __init__(self, company: Company, chance: random.Random) -> None:
        self._company = company
        self._chance = chance
        ordered = sorted(company.careers, key=lambda career: (career.stays[0].hired, career.serial))
        self._ordered = ordered
        self._numbers = {career.serial: f"{at:05d}" for at, career in enumerate(ordered, start=1)}
        self._days = self._change_days()
        self._heads = {day: self._heads_on(day) for day in self._days}

    def shape(self) -> ImportPlan:
        emails: set[str] = set()
        people = [self._person(career, emails) for career in self._ordered]
        return ImportPlan(
            people=people,
            actions={},
            changes={},
            new_units=self._units(),
            new_positions=[
                NewPosition(
                    key=title,
                    code=f"P{rank:03d}-{at}",
                    title=title,
                    title_en=title_en,
                    start=FOUNDED_ON,
                    rank=rank,
                )
                for at, (title, title_en, rank) in enumerate(POSITIONS)
            ],
            digest="",
        )

    def _change_days(self) -> list[date]:
        """Every day of the history on which anybody's place may be another than the day before."""
        days = {self._company.begins, *self._company.unit_since.values()}
        for career in self._company.careers:
            for stay in career.stays:
                days.update(day for day, _ in stay.places)
                days.add(stay.hired)
                if stay.left is not None:
                    days.add(stay.left + _ONE_DAY)
        return sorted(day for day in days if day >= self._company.begins)

    def _heads_on(self, day: date) -> dict[str, Career]:
        heads = {}
        for career in self._company.careers:
            place = career.place_on(day)
            if place is not None and place.is_head:
                heads[place.unit] = career
        return heads

    # ── people ────────────────────────────────────────────────────────────────────────────────────
    def _person(self, career: Career, emails: set[str]) -> PersonPlan:
        names = career.name.as_dict()
        return PersonPlan(
            number=self._numbers[career.serial],
            person_id=None,
            names=names,
            work_email=_email(names["given_latin"], names["family_latin"], emails),
            is_email_changed=False,
            private=self._private(career),
            spells=[self._spell(career, stay) for stay in career.stays],
        )

    def _private(self, career: Career) -> dict[str, Value]:
        site = self._company.units[career.stays[0].places[0][1].unit].site
        address = make_address(self._chance, site=site)
        name = career.name
        return {
            "birth_on": career.born,
            "gender": career.sex if self._chance.random() < 0.98 else "undisclosed",
            "postal_code": address.postal_code,
            "prefecture": address.prefecture,
            "city": address.city,
            "address_line1": address.line1,
            "address_line2": address.line2,
            "personal_email": f"{name.given_latin}.{self._numbers[career.serial]}@example.jp".lower(),
            # The block 090-0000 is given to nobody.
            "personal_phone": f"090-0000-{self._chance.randrange(10_000):04d}",
        }

    def _spell(self, career: Career, stay: Stay) -> SpellPlan:
        end = FOREVER if stay.left is None else stay.left + _ONE_DAY
        is_only = stay is career.stays[-1]
        second = self._second_posts(career, end) if is_only else []
        return SpellPlan(
            spell_id=None,
            version_id=None,
            is_changed=True,
            kind=career.kind,
            hired=stay.hired,
            end=end,
            closed=[],
            opened=[*self._primary(career, stay, end), *second],
        )

    def _primary(self, career: Career, stay: Stay, end: date) -> list[Segment]:
        segments: list[Segment] = []
        fte = Decimal(career.fte)
        begins = max(stay.hired, self._company.begins)
        if stay.hired < begins:
            # Of the years before the history only the unit is known.
            unit = stay.places[0][1].unit
            terms = Terms(unit=unit, position=None, manager=None, grade=None, fte=fte)
            segments.append(Segment(kind="primary", start=stay.hired, end=min(begins, end), terms=terms))
        for day, until in self._pieces(begins, end):
            place = stay.place_on(day)
            if place is not None:
                _append(segments, "primary", day, until, self._terms(career, place, day, fte))
        return segments

    def _second_posts(self, career: Career, end: date) -> list[Segment]:
        segments: list[Segment] = []
        for post in career.second_posts:
            until = min(end, FOREVER if post.last is None else post.last + _ONE_DAY)
            for day, piece_end in self._pieces(post.start, until):
                manager = self._manager(career, post.unit, day)
                terms = Terms(
                    unit=post.unit, position=post.title, manager=manager, grade=None, fte=_SHARE_ELSEWHERE
                )
                _append(segments, "concurrent", day, piece_end, terms)
        return segments

    def _pieces(self, start: date, end: date) -> Iterable[tuple[date, date]]:
        """The period cut at every day of change."""
        cuts = [start, *(day for day in self._days if start < day < end)]
        return zip(cuts, [*cuts[1:], end], strict=True)

    def _terms(self, career: Career, place: Place, day: date, fte: Decimal) -> Terms:
        return Terms(
            unit=place.unit,
            position=place.title,
            manager=self._manager(career, place.unit, day),
            grade=f"G{place.grade}",
            fte=fte,
        )

    def _manager(self, career: Career, unit: str, day: date) -> str | None:
        """The head of the unit on that day, or of the nearest unit above that has another head."""
        heads = self._heads[max(known for known in self._days if known <= day)]
        at: str | None = unit
        while at is not None:
            head = heads.get(at)
            if head is not None and head is not career:
                return self._numbers[head.serial]
            at = self._company.units[at].parent
        return None

    # ── units ─────────────────────────────────────────────────────────────────────────────────────
    def _units(self) -> list[NewUnit]:
        return [
            NewUnit(
                key=unit.code,
                code=unit.code,
                name=unit.name,
                name_en=unit.name_en,
                parent=unit.parent,
                start=self._company.unit_since.get(unit.code, FOUNDED_ON),
                kind=unit.kind,
                heads=self._headships(unit.code),
            )
            for unit in self._company.units.values()
        ]

    def _headships(self, code: str) -> tuple[tuple[date, date, str], ...]:
        found: list[tuple[date, date, str]] = []
        for day, until in zip(self._days, [*self._days[1:], FOREVER], strict=True):
            head = self._heads[day].get(code)
            if head is None:
                continue
            number = self._numbers[head.serial]
            if found and found[-1][1:] == (day, number):
                found[-1] = (found[-1][0], until, number)
            else:
                found.append((day, until, number))
        return tuple(found)


def _append(segments: list[Segment], kind: PostKind, start: date, end: date, terms: Terms) -> None:
    """Add a piece; one that says the same as the last and follows it at once is drawn together."""
    if segments and (segments[-1].kind, segments[-1].end, segments[-1].terms) == (kind, start, terms):
        start = segments.pop().start
    segments.append(Segment(kind=kind, start=start, end=end, terms=terms))


def _email(given: str, family: str, taken: set[str]) -> str:
    """given.family at the company, with a number when somebody of that name was there before."""
    local = f"{given}.{family}".lower()
    number = 1
    while f"{local}{number if number > 1 else ''}" in taken:
        number += 1
    local = f"{local}{number if number > 1 else ''}"
    taken.add(local)
    return f"{local}@{MAIL_DOMAIN}"
