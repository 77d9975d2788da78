"""Shifts and proofs held against a simulator that asks every minute, over weeks in which clocks change."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrx.kit.errors import Text
from hrx.ops.runbook.content import load_content
from hrx.ops.schedules.business import BusinessCalendar, is_japanese_holiday
from hrx.ops.schedules.on_call import list_shifts
from hrx.ops.schedules.proving import Why, prove
from hrx.ops.schedules.rotation import (
    ChangeKind,
    EscalationStep,
    Hours,
    Layer,
    OnCallChange,
    Policy,
    Rotation,
    Target,
)
from tests.conftest import ROOT
from tests.ops.schedules.simulator import as_minutes, on_call_by_minute, uncovered_minutes

pytestmark = pytest.mark.req("R4.3-3")
PEOPLE = ("ada", "ben", "cho", "dai")
LENGTH = timedelta(days=2)
#: Days around which clocks change, and New Year in Japan; each begins two days before.
WEEKS = {
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Europe/London": (date(2026, 3, 29), date(2026, 10, 25)),
    "Asia/Tokyo": (date(2026, 12, 31), date(2027, 5, 4)),
}
TOKYO_OFFICE = BusinessCalendar(
    zone=ZoneInfo("Asia/Tokyo"),
    opens=wall(9),
    closes=wall(18),
    weekdays=frozenset(range(5)),
    is_holiday=is_japanese_holiday,
    days_off=frozenset({date(2026, 12, 31)}),
)

#: The hours in which clocks change are asked more often than others.
walls = st.builds(wall, st.sampled_from([0, 1, 1, 2, 2, 3, 9, 18, 23]), st.sampled_from([0, 0, 15, 30, 59]))
people = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True).map(tuple)
hours = st.builds(Hours, days=st.frozensets(st.integers(0, 6), min_size=1), start=walls, end=walls)


@st.composite
def layers(draw: st.DrawFn, around: date) -> Layer:
    return Layer(
        people=draw(people),
        starts_on=around - timedelta(days=draw(st.integers(-1, 20))),
        hand_off=draw(walls),
        shift_days=draw(st.sampled_from([1, 1, 2, 7])),
        hours=tuple(draw(st.lists(hours, max_size=2))),
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Rotation], list[OnCallChange], datetime, datetime]:
    """Two rotations, some changes, and two days around a change of the clocks."""
    zone = draw(st.sampled_from(sorted(WEEKS)))
    around = draw(st.sampled_from(WEEKS[zone]))
    start = datetime.combine(around - timedelta(days=1), wall(12), tzinfo=UTC)
    rotations = [
        Rotation(
            id=name,
            title=Text(ja=name, en=name),
            time_zone=zone,
            layers=tuple(draw(st.lists(layers(around), min_size=1, max_size=2))),
        )
        for name in ("first", "second")
    ]
    changes = []
    for number in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(ChangeKind))
        begins = start + timedelta(minutes=draw(st.integers(-600, 4000)))
        changes.append(
            OnCallChange(
                id=number + 1,
                kind=kind,
                person=draw(st.sampled_from(PEOPLE)),
                starts_at=begins,
                ends_at=begins + timedelta(minutes=draw(st.integers(1, 3000))),
                reason="",
                made_by="tests",
                made_at=start,
                rotation=draw(st.sampled_from(["first", "second"])) if kind is ChangeKind.OVERRIDE else None,
            )
        )
    return rotations, changes, start, start + LENGTH


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds())
def test_every_minute_has_the_person_whom_the_wall_clock_says(
    world: tuple[list[Rotation], list[OnCallChange], datetime, datetime],
) -> None:
    rotations, changes, start, end = world
    for rotation in rotations:
        told = on_call_by_minute(rotation, start=start, end=end, changes=changes)
        shifts = list_shifts(rotation, start=start, end=end, changes=changes)
        found = {at: one.person for one in shifts for at in as_minutes(one.start, one.end)}
        assert found == {at: person for at, person in told.items() if person is not None}
        assert all(one.end <= two.start for one, two in pairwise(shifts))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds(), reachable=st.frozensets(st.sampled_from(PEOPLE)), is_office=st.booleans())
def test_the_prover_finds_exactly_the_minutes_without_anybody(
    world: tuple[list[Rotation], list[OnCallChange], datetime, datetime],
    reachable: frozenset[str],
    is_office: bool,
) -> None:
    rotations, changes, start, end = world
    policy = Policy(
        name="SEV1",
        steps=(
            EscalationStep(targets=(Target(rotation="first"),), delay_s=300),
            EscalationStep(targets=(Target(rotation="second"), Target(person="dai")), delay_s=300),
        ),
        places=(),
        rounds=1,
        in_business_hours=is_office,
    )
    proof = prove(
        [policy], rotations, start=start, end=end, reachable=reachable, changes=changes, calendar=TOKYO_OFFICE
    ).policies[0]
    found = {at for gap in proof.gaps for at in as_minutes(gap.span.start, gap.span.end)}
    assert found == uncovered_minutes(
        policy, rotations, start=start, end=end, reachable=reachable, changes=changes, calendar=TOKYO_OFFICE
    )
    assert all(gap.reasons for gap in proof.gaps), "each gap says why"


def rotation(*layers: Layer, name: str = "first", zone: str = "Asia/Tokyo") -> Rotation:
    return Rotation(id=name, title=Text(ja=name, en=name), time_zone=zone, layers=layers)


def around_the_clock(*people: str, days: int = 1) -> Layer:
    return Layer(people=people, starts_on=date(2026, 1, 5), hand_off=wall(9), shift_days=days)


def only(*targets: Target) -> Policy:
    return Policy(name="SEV1", steps=(EscalationStep(targets=targets, delay_s=60),), places=(), rounds=1)


def change(
    kind: ChangeKind, person: str, start: datetime, hours: float, *, on: str | None = None
) -> OnCallChange:
    return OnCallChange(
        id=1, kind=kind, person=person, starts_at=start, ends_at=start + timedelta(hours=hours),
        reason="", made_by="tests", made_at=start, rotation=on,
    )  # fmt: skip


NOW = datetime(2026, 12, 1, tzinfo=UTC)


def test_a_gap_names_who_is_away_from_when_until_when() -> None:
    away = change(ChangeKind.LEAVE, "ada", NOW + timedelta(hours=5), 10)
    gap = prove(
        [only(Target(rotation="first"))],
        [rotation(around_the_clock("ada"))],
        reachable=["ada"],
        changes=[away],
        start=NOW,
        end=NOW + timedelta(days=7),
    ).policies[0].gaps[0]  # fmt: skip
    assert (gap.span.start, gap.span.end) == (away.starts_at, away.ends_at)
    assert [(one.why, one.target, one.people) for one in gap.reasons] == [
        (Why.AWAY, "rotation:first", ("ada",))
    ]


def test_a_person_to_whom_no_channel_leads_covers_nothing_and_is_named() -> None:
    proof = prove(
        [only(Target(rotation="first"))],
        [rotation(around_the_clock("ada", "ben"))],
        reachable=["ben"],
        start=NOW,
        end=NOW + timedelta(days=4),
    ).policies[0]
    assert {reason.why for gap in proof.gaps for reason in gap.reasons} == {Why.UNREACHABLE}
    assert {person for gap in proof.gaps for reason in gap.reasons for person in reason.people} == {"ada"}


def test_hours_without_a_layer_behind_them_are_a_gap_for_which_nobody_is_planned() -> None:
    office = Layer(
        people=("ada",),
        starts_on=date(2026, 1, 5),
        hand_off=wall(9),
        shift_days=7,
        hours=(Hours(days=frozenset(range(5)), start=wall(9), end=wall(18)),),
    )
    proof = prove(
        [only(Target(rotation="first"))],
        [rotation(office)],
        reachable=["ada"],
        start=NOW,
        end=NOW + timedelta(days=1),
    ).policies[0]
    assert [gap.reasons[0].why for gap in proof.gaps] == [Why.UNPLANNED]
    assert proof.gaps[0].span.start == datetime(2026, 12, 1, 9, tzinfo=UTC), "18:00 in Tokyo"


def test_one_person_in_two_steps_is_said_for_the_later_one_brings_nobody_new() -> None:
    policy = Policy(
        name="SEV1",
        steps=(
            EscalationStep(targets=(Target(rotation="first"),), delay_s=60),
            EscalationStep(targets=(Target(rotation="second"),), delay_s=60),
        ),
        places=(),
        rounds=1,
    )
    rotations = [
        rotation(around_the_clock("ada", "ben")),
        rotation(around_the_clock("ada"), name="second"),
    ]
    doubles = prove(
        [policy], rotations, reachable=["ada", "ben"], start=NOW, end=NOW + timedelta(days=4)
    ).policies[0].doubles  # fmt: skip
    assert {(one.person, one.steps) for one in doubles} == {("ada", (1, 2))}
    assert sum((one.span.end - one.span.start for one in doubles), timedelta(0)) == timedelta(days=2)


def test_the_coming_year_of_our_own_runbook_has_no_gap_and_takes_less_than_two_seconds() -> None:
    content = load_content(ROOT / "runbook")
    started = time.perf_counter()
    proof = prove(
        list(content.on_call.policies.values()),
        content.on_call.rotations,
        start=NOW,
        end=NOW + timedelta(days=365),
        reachable=[person.id for person in content.contacts.people],
        calendar=content.respond.calendar,
    )
    took_s = time.perf_counter() - started
    assert proof.is_covered
    assert [one.policy for one in proof.policies if one.doubles or one.empty_steps] == []
    assert {one.policy for one in proof.policies if one.needed} == {"SEV1", "SEV2", "SEV3", "security"}
    assert took_s < 2
