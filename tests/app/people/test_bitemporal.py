"""Random histories: whatever is hired, moved, corrected, left and taken back, every day as known at every
moment equals a naive model that copies the whole world at each step."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hrx.app.people.employees.actions import deciding, hiring, moving
from hrx.app.people.employees.inputs import Correction, Departure, Rehire, Transfer
from hrx.app.people.employees.queries.asked import Asked, ask_about
from hrx.app.people.employees.queries.directory import Listing, list_people
from hrx.app.platform.db import Database
from hrx.app.platform.problems import explain_database_error
from hrx.kit.errors import Expected, HrxError
from tests.app.people.company import Company, create_tenant
from tests.app.people.naive import Refused, Truth

pytestmark = [pytest.mark.req("R2-2"), pytest.mark.timeout(300)]

PERSONS = ("a", "b", "c")
#: Years of past and future around today; the last day stands for all that follow.
OFFSETS = (-1500, -1100, -800, -500, -250, -30, 20, 200, 400, 800)
day = st.integers(0, len(OFFSETS) - 1)
#: Whoever leaves is gone on at least the last day: what comes after it the model does not see.
last_day = st.integers(0, len(OFFSETS) - 2)
person = st.sampled_from(PERSONS)
patch = st.fixed_dictionaries(
    {},
    optional={
        "unit": st.integers(0, 2),
        "manager": st.sampled_from((None, *PERSONS)),
        "grade": st.sampled_from((None, "G1", "G2")),
    },
).filter(bool)
operation = st.one_of(
    st.tuples(st.just("transfer"), person, day, patch),
    st.tuples(st.just("transfer"), person, day, patch),
    st.tuples(st.just("correct"), person, day, st.none() | day, patch),
    st.tuples(st.just("depart"), person, last_day),
    st.tuples(st.just("rehire"), person, day, st.integers(0, 2)),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
)


@dataclass(slots=True, kw_only=True)
class Twin:
    """The product and the model, taken through the same steps."""

    company: Company
    truth: Truth
    units: list[int]
    boss: int
    ids: dict[str, int] = field(default_factory=dict)
    moments: list[datetime] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)

    async def learn(self) -> None:
        """The moment of the last change, for asking later what was known then."""
        async with self.company.acting() as session:
            moment = await session.scalar(text("SELECT moment FROM app.knowledge_clock"))
        assert isinstance(moment, datetime)
        self.moments.append(moment)
        self.truth.remember()

    def manager(self, name: str | None) -> int | None:
        return None if name is None else self.ids[name]

    def patch(self, patch: dict[str, Any]) -> dict[str, Any]:
        """The model's words in the product's."""
        words: dict[str, Any] = {}
        if "unit" in patch:
            words["org_unit_id"] = self.units[patch["unit"]]
        if "manager" in patch:
            words["manager_id"] = self.manager(patch["manager"])
        if "grade" in patch:
            words["grade"] = patch["grade"]
        return words

    def model_patch(self, patch: dict[str, Any]) -> dict[str, Any]:
        words = dict(patch)
        if "unit" in patch:
            words["unit"] = self.units[patch["unit"]]
        if "manager" in patch:
            words["manager"] = self.manager(patch["manager"])
        return words


async def _start(database: Database) -> Twin:
    company = Company(database=database, tenant_id=await create_tenant(database))
    today = await company.today()
    calendar = tuple(today + timedelta(days=offset) for offset in OFFSETS)
    units = [await company.unit(name, since=date(2000, 1, 1)) for name in ("営業部", "開発部", "総務部")]
    boss = await company.hire(units[0], hired_on=date(2001, 1, 1))
    twin = Twin(company=company, truth=Truth(calendar=calendar), units=units, boss=boss)
    for name in PERSONS:
        twin.ids[name] = await company.hire(units[0], hired_on=calendar[0], manager_id=boss)
        twin.truth.hire(name, calendar[0], owner=-1, unit=units[0], manager=boss)
    await twin.learn()
    return twin


async def _step(twin: Twin, operation: tuple[Any, ...]) -> None:
    """One change on both sides; both take it, or neither does."""
    before = _saved(twin.truth)
    order_id, refusal = await _try(twin, operation)
    # What the database refuses has to be something that people are told in words.
    assert refusal is None or isinstance(refusal, Expected), operation
    try:
        _do_in_model(twin, operation, owner=order_id if order_id is not None else 0)
        is_possible = True
    except Refused:
        is_possible = False
    if order_id is None:
        # The product may refuse more than the model knows: rings of managers, managers who are not there.
        is_excused = _needs_a_manager(operation) or _names_somebody_absent(twin, operation)
        twin.truth.people, twin.truth.employed, twin.truth.moves = before
        assert not is_possible or is_excused or operation[0] == "cancel", operation
        return
    assert is_possible, operation
    await twin.learn()


async def _try(twin: Twin, operation: tuple[Any, ...]) -> tuple[int | None, HrxError | None]:
    """The order's number, or what the edge would answer in its place."""
    try:
        return await _do(twin, operation), None
    except Expected as refused:
        return None, refused
    except DBAPIError as error:
        explained = explain_database_error(error)
        if explained is None:
            raise
        return None, explained


def _saved(truth: Truth) -> tuple[Any, Any, Any]:
    return copy.deepcopy((truth.people, truth.employed, truth.moves))


def _needs_a_manager(operation: tuple[Any, ...]) -> bool:
    patch = operation[-1]
    return isinstance(patch, dict) and patch.get("manager") is not None


def _names_somebody_absent(twin: Twin, operation: tuple[Any, ...]) -> bool:
    """Whether the changed person would report, on some day, to one of us who is not employed on it: a new row
    says who the manager is even when only the grade was asked to change."""
    if operation[0] not in {"transfer", "correct"}:
        return False
    employed = {twin.ids[name]: days for name, days in twin.truth.employed.items()}
    facts = twin.truth.people[operation[1]].items()
    return any(fact.manager in employed and at not in employed[fact.manager] for at, fact in facts)


async def _do(twin: Twin, operation: tuple[Any, ...]) -> int:
    days = twin.truth.calendar
    async with twin.company.acting() as session:
        match operation:
            case ("transfer", name, at, patch):
                asked = Transfer(effective_on=days[at], **twin.patch(patch))
                order_id = await moving.transfer_employee(session, person_id=twin.ids[name], asked=asked)
                twin.orders.append(order_id)
            case ("correct", name, at, until, patch):
                wrong = Correction(
                    valid_from=days[at],
                    **({} if until is None else {"valid_to": days[until]}),
                    **twin.patch(patch),
                )
                order_id = await moving.correct_assignments(session, person_id=twin.ids[name], asked=wrong)
            case ("depart", name, at):
                last = _day_before_next(days, at)
                order_id = await moving.depart_employee(
                    session, person_id=twin.ids[name], asked=Departure(left_on=last)
                )
            case ("rehire", name, at, unit):
                again = Rehire(hired_on=days[at], org_unit_id=twin.units[unit])
                order_id = await hiring.rehire_employee(session, person_id=twin.ids[name], asked=again)
            case ("cancel", number):
                order_id = _order_at(twin, number)
                await deciding.cancel(session, order_id=order_id, note="")
            case _:
                raise AssertionError(operation)
        # Refusals that come at commit belong to this step.
        await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    return order_id


def _order_at(twin: Twin, number: int) -> int:
    return twin.orders[number % len(twin.orders)] if twin.orders else 0


def _day_before_next(days: tuple[date, ...], at: int) -> date:
    """The last day before the next one of the calendar, so that whole steps of it are left."""
    return days[at + 1] - timedelta(days=1)


def _do_in_model(twin: Twin, operation: tuple[Any, ...], *, owner: int) -> None:
    truth, days = twin.truth, twin.truth.calendar
    match operation:
        case ("transfer", name, at, patch):
            truth.transfer(name, days[at], owner=owner, patch=twin.model_patch(patch))
        case ("correct", name, at, until, patch):
            end = None if until is None else days[until]
            if end is not None and end <= days[at]:
                raise Refused
            truth.correct(name, days[at], end, owner=owner, patch=twin.model_patch(patch))
        case ("depart", name, at):
            truth.depart(name, days[at])
        case ("rehire", name, at, unit):
            if not truth.may_rehire(name, days[at]):
                raise Refused
            truth.hire(name, days[at], owner=owner, unit=twin.units[unit], manager=None)
        case ("cancel", number):
            order_id = _order_at(twin, number)
            if order_id not in truth.moves:
                raise Refused
            truth.cancel(order_id)
            del truth.moves[order_id]


async def _check_everything(twin: Twin) -> None:
    """Each day of the calendar, as known at each moment, and as known now."""
    async with twin.company.acting() as session:
        for step, moment in enumerate([*twin.moments, None]):
            state = twin.truth.past[min(step, len(twin.truth.past) - 1)]
            for at in twin.truth.calendar:
                asked = Asked(as_of=at, as_known=moment)
                await ask_about(session, asked)
                page = await list_people(session, Listing(asked=asked, limit=200))
                found = {card["id"]: _card_facts(card) for card in page.items}
                found.pop(twin.boss, None)
                expected = {
                    twin.ids[name]: (days[at].unit, days[at].manager)
                    for name, days in state.items()
                    if at in days
                }
                assert found == expected, (at, step)


def _card_facts(card: dict[str, Any]) -> tuple[int | None, int | None]:
    unit, manager = card["org_unit"], card["manager"]
    return (unit["id"] if unit else None, manager["id"] if manager else None)


@given(operations=st.lists(operation, min_size=3, max_size=14))
@settings(
    max_examples=15,
    deadline=None,
    # Shrinking replays whole histories for minutes; what failed is printed as it was found.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_day_as_known_at_any_moment_equals_the_naive_model(
    database: Database, operations: list[tuple[Any, ...]]
) -> None:
    twin = await _start(database)
    for operation in operations:
        await _step(twin, operation)
    await _check_everything(twin)
