"""The sample's spells as a plan for the record: one person, one employment, posts cut by title and manager.

Pure. Every decision that a reader could ask about is named in examples/employees_10k/README.md."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from hrx.app.people.employees.importing.employees_10k.source import OPEN, Employee, Source, Spell
from hrx.app.people.employees.importing.references import NewPosition, NewUnit
from hrx.app.people.employees.importing.state import ImportPlan, PersonPlan, SpellPlan
from hrx.app.people.employees.importing.timeline import FOREVER, PostKind, Segment, Terms

ROOT_KEY: Final = "root"
_FULL_TIME: Final = Decimal("1.000")
_GENDERS: Final = {"M": "male", "F": "female"}
_UNTITLED: Final = None


@dataclass(slots=True, kw_only=True)
class Shaped:
    """The plan with an account of what was left out and why."""

    plan: ImportPlan
    skipped: list[tuple[str, Spell]] = field(default_factory=list)
    overlapping: list[Spell] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Timeline:
    """Spells of one subject in order, to be asked by day."""

    starts: list[date]
    spells: list[Spell]

    @classmethod
    def of(cls, spells: Iterable[Spell]) -> _Timeline:
        ordered = sorted(spells, key=lambda spell: spell.start)
        return cls([spell.start for spell in ordered], ordered)

    def find(self, day: date) -> Spell | None:
        at = bisect_right(self.starts, day) - 1
        return self.spells[at] if at >= 0 and day < self.spells[at].end else None

    def cuts(self, start: date, end: date) -> set[date]:
        """Days inside the period on which a spell begins or ends."""
        days = {day for spell in self.spells for day in (spell.start, spell.end)}
        return {day for day in days if start < day < end}


def shape(source: Source) -> Shaped:
    """The whole company as a plan. Zero-length spells are left out and listed."""
    shaped = Shaped(
        plan=ImportPlan(people=[], actions={}, changes={}, new_units=[], new_positions=[], digest="")
    )
    posts = _by_number(source.posts, "department", shaped)
    titles = _by_number(source.titles, "title", shaped)
    managers = _by_department(source.managers, shaped)
    first_day = min(
        [spell.start for spell in (*source.posts, *source.managers)]
        + [employee.hired_on for employee in source.employees]
    )
    leading = defaultdict(list)
    for timeline in managers.values():
        for spell in timeline.spells:
            leading[spell.number].append(spell)
    shaper = _Shaper(managers, {number: _Timeline.of(spells) for number, spells in leading.items()}, shaped)
    for employee in source.employees:
        shaped.plan.people.append(
            shaper.person(employee, posts.get(employee.number, []), titles.get(employee.number, []))
        )
    shaped.plan.new_units = _units(source, managers, first_day)
    shaped.plan.new_positions = _positions(source, first_day)
    return shaped


@dataclass(frozen=True, slots=True)
class _Shaper:
    managers: dict[str, _Timeline]
    leading: dict[int, _Timeline]
    shaped: Shaped

    def person(self, employee: Employee, posts: list[Spell], titles: list[Spell]) -> PersonPlan:
        """Employed from the hire date to the end of the last department spell; without one, until now."""
        ends = [spell.end for spell in posts]
        spell = SpellPlan(
            spell_id=None,
            version_id=None,
            is_changed=True,
            kind="regular",
            hired=min([employee.hired_on, *(spell.start for spell in posts)]),
            end=_end(max(ends, default=OPEN)),
            closed=[],
            opened=self._segments(employee.number, posts, titles),
        )
        return PersonPlan(
            number=str(employee.number),
            person_id=None,
            names={
                "family_kanji": "",
                "given_kanji": "",
                "family_kana": "",
                "given_kana": "",
                "family_latin": employee.family,
                "given_latin": employee.given,
            },
            work_email=None,
            is_email_changed=False,
            private={
                "birth_on": employee.birth_on,
                "gender": _GENDERS.get(employee.gender, "undisclosed"),
                **dict.fromkeys(
                    (
                        "postal_code",
                        "prefecture",
                        "city",
                        "address_line1",
                        "address_line2",
                        "personal_email",
                        "personal_phone",
                    )
                ),
            },
            spells=[spell],
        )

    def _segments(self, number: int, posts: list[Spell], titles: list[Spell]) -> list[Segment]:
        """Posts cut wherever the title, the department's manager or the person's own leading changes."""
        titled = _Timeline.of(titles)
        segments: list[Segment] = []
        for kind, post in self._ranked(posts):
            manager_line = self.managers.get(post.what, _Timeline([], []))
            own = self.leading.get(number, _Timeline([], []))
            days = titled.cuts(post.start, post.end) | manager_line.cuts(post.start, post.end)
            cuts = sorted({post.start, *days, *own.cuts(post.start, post.end)})
            for start, end in zip(cuts, [*cuts[1:], post.end], strict=True):
                title = titled.find(start)
                lead = manager_line.find(start)
                terms = Terms(
                    unit=post.what,
                    position=title.what if title else _UNTITLED,
                    # Whoever leads a department reports to nobody: the sample says nothing of above, and
                    # leaders work in each other's departments, which would make rings.
                    manager=None if lead is None or own.find(start) else str(lead.number),
                    grade=None,
                    fte=_FULL_TIME,
                )
                segments.append(_joined(segments, kind, start, _end(end), terms))
        return [segment for segment in segments if segment.start < segment.end]

    def _ranked(self, posts: list[Spell]) -> Iterable[tuple[PostKind, Spell]]:
        """Of two departments at once, the earlier one is primary while it lasts, the other is concurrent."""
        covered_to = date.min
        for post in sorted(posts, key=lambda spell: (spell.start, spell.what)):
            if post.start < covered_to:
                self.shaped.overlapping.append(post)
                until = min(post.end, covered_to)
                yield "concurrent", Spell(number=post.number, what=post.what, start=post.start, end=until)
            if post.end > covered_to:
                start = max(post.start, covered_to)
                yield "primary", Spell(number=post.number, what=post.what, start=start, end=post.end)
                covered_to = post.end


def _joined(done: list[Segment], kind: PostKind, start: date, end: date, terms: Terms) -> Segment:
    """The next segment; one that says the same as the last and follows it at once is drawn together."""
    if done and (done[-1].kind, done[-1].end, done[-1].terms) == (kind, start, terms):
        start = done.pop().start
    return Segment(kind=kind, start=start, end=end, terms=terms)


def _by_number(spells: Iterable[Spell], what: str, shaped: Shaped) -> dict[int, list[Spell]]:
    kept: dict[int, list[Spell]] = defaultdict(list)
    for spell in spells:
        if spell.is_empty:
            shaped.skipped.append((what, spell))
        else:
            kept[spell.number].append(spell)
    return kept


def _by_department(managers: Iterable[Spell], shaped: Shaped) -> dict[str, _Timeline]:
    kept: dict[str, list[Spell]] = defaultdict(list)
    for spell in managers:
        if spell.is_empty:
            shaped.skipped.append(("manager", spell))
        else:
            kept[spell.what].append(spell)
    return {code: _Timeline.of(spells) for code, spells in kept.items()}


def _units(source: Source, managers: dict[str, _Timeline], first_day: date) -> list[NewUnit]:
    root = NewUnit(key=ROOT_KEY, code="ALL", name="全社", parent=None, start=first_day, kind="company")
    return [
        root,
        *(
            NewUnit(
                key=code,
                code=code,
                name=name,
                parent=ROOT_KEY,
                start=first_day,
                heads=tuple(
                    (max(spell.start, first_day), _end(spell.end), str(spell.number))
                    for spell in managers.get(code, _Timeline([], [])).spells
                ),
            )
            for code, name in sorted(source.departments.items())
        ),
    ]


def _positions(source: Source, first_day: date) -> list[NewPosition]:
    titles = sorted({spell.what for spell in source.titles})
    return [
        NewPosition(key=title, code=f"T{at:02d}", title=title, start=first_day, rank=at * 10)
        for at, title in enumerate(titles, start=1)
    ]


def _end(day: date) -> date:
    return FOREVER if day == OPEN else day
