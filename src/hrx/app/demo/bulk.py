"""Crowds of made-up people in tenants of their own, for measuring; plain, but shaped like a company.

A tree of units with about 25 people each and eight units below each, everybody with a manager, a third of
them with an earlier post, one in twelve gone."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from hrx.app.demo.loading import provide_tenant, write_if_empty
from hrx.app.demo.names import Sex, make_name
from hrx.app.people.employees.importing.references import NewPosition, NewUnit
from hrx.app.people.employees.importing.state import PRIVATE_FIELDS, ImportPlan, PersonPlan, SpellPlan
from hrx.app.people.employees.importing.timeline import FOREVER, Segment, Terms
from hrx.app.platform.db import Database
from hrx.kit import clock

STAFF_PER_UNIT: Final = 25
UNITS_BELOW: Final = 8
_FIRST_DAY: Final = date(1990, 4, 1)
_TITLES: Final = ("部長", "課長", "係長", "主任")
_FULL_TIME: Final = Decimal("1.000")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdReport:
    is_new: bool
    people: int
    posts: int
    elapsed_s: float


async def load_crowd(database: Database, *, slug: str, people: int, seed: int = 7) -> CrowdReport:
    """Make and write a crowd; a tenant that has people already is left alone."""
    started = clock.monotonic_s()
    tenant_id = await provide_tenant(database, slug=slug, name=f"計測用 {people:,}人")
    plan = plan_crowd(people=people, today=clock.today("Asia/Tokyo"), seed=seed)
    is_new = await write_if_empty(database, plan, tenant_id=tenant_id, source=f"crowd of {people}")
    return CrowdReport(
        is_new=is_new,
        people=len(plan.people),
        posts=plan.count_writes() - len(plan.people),
        elapsed_s=clock.monotonic_s() - started,
    )


def plan_crowd(*, people: int, today: date, seed: int) -> ImportPlan:
    """The plan of a crowd; the same arguments give the same people."""
    chance = random.Random(seed)  # noqa: S311 - made-up people.
    unit_count = max(1, -(-people // STAFF_PER_UNIT))
    numbers = [f"{at:06d}" for at in range(1, people + 1)]
    # The first person of each block of staff heads that block's unit.
    heads = {unit: numbers[unit * STAFF_PER_UNIT] for unit in range(unit_count)}
    return ImportPlan(
        people=[_person(at, number, heads, today=today, chance=chance) for at, number in enumerate(numbers)],
        actions={},
        changes={},
        new_units=[
            NewUnit(
                key=f"U{unit}",
                code=f"U{unit:05d}",
                name="全社" if unit == 0 else f"第{unit}部",
                parent=None if unit == 0 else f"U{_parent(unit)}",
                start=_FIRST_DAY,
                kind="company" if unit == 0 else "department",
                heads=((_FIRST_DAY, FOREVER, heads[unit]),),
            )
            for unit in range(unit_count)
        ],
        new_positions=[
            NewPosition(key=title, code=f"P{at}", title=title, start=_FIRST_DAY, rank=at)
            for at, title in enumerate(_TITLES)
        ],
        digest="",
    )


def _parent(unit: int) -> int:
    return (unit - 1) // UNITS_BELOW


def _person(at: int, number: str, heads: dict[int, str], *, today: date, chance: random.Random) -> PersonPlan:
    unit = at // STAFF_PER_UNIT
    is_head = heads[unit] == number
    hired = max(today - timedelta(days=chance.randrange(60, 12_000)), _FIRST_DAY)
    born = hired - timedelta(days=chance.randrange(7_000, 15_000))
    sex: Sex = "female" if chance.random() < 0.4 else "male"
    name = make_name(chance, sex=sex, born_year=born.year).as_dict()
    has_left = not is_head and chance.random() < 1 / 12 and (today - hired).days > 400
    end = today - timedelta(days=chance.randrange(1, 300)) if has_left else FOREVER
    private = dict.fromkeys(PRIVATE_FIELDS)
    return PersonPlan(
        number=number,
        person_id=None,
        names=name,
        work_email=f"{name['given_latin']}.{number}@crowd.example".lower(),
        is_email_changed=False,
        private={**private, "birth_on": born},
        spells=[
            SpellPlan(
                spell_id=None,
                version_id=None,
                is_changed=True,
                kind="regular",
                hired=hired,
                end=end,
                closed=[],
                opened=_posts(unit, heads, hired, end, is_head=is_head, today=today, chance=chance),
            )
        ],
    )


def _posts(
    unit: int,
    heads: dict[int, str],
    hired: date,
    end: date,
    *,
    is_head: bool,
    today: date,
    chance: random.Random,
) -> list[Segment]:
    manager = heads[unit] if not is_head else None if unit == 0 else heads[_parent(unit)]
    grade = chance.randint(1, 6)
    title = "部長" if is_head else (None, "主任", "係長", None, None, "課長")[grade - 1]
    now = Terms(unit=f"U{unit}", position=title, manager=manager, grade=f"G{grade}", fte=_FULL_TIME)
    span = (min(end, today) - hired).days
    if chance.random() > 1 / 3 or span < 200:
        return [Segment(kind="primary", start=hired, end=end, terms=now)]
    moved = hired + timedelta(days=chance.randrange(100, span - 50))
    before = now._replace(position=None, manager=None, grade=f"G{max(grade - 1, 1)}")
    return [
        Segment(kind="primary", start=hired, end=moved, terms=before),
        Segment(kind="primary", start=moved, end=end, terms=now),
    ]
