"""Clocks, fall-back before and after the first words, a second request beside a slow one, resting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from hrx.app.gateway.answering import Answer, Attempted, Event, Finished, Piece, Restarted
from hrx.app.gateway.asking import Ask
from hrx.app.gateway.attempts import read_retry_after
from hrx.app.gateway.breaker import Breaker, BreakerState
from hrx.app.gateway.call import Call
from hrx.app.gateway.calling import Caller
from hrx.app.gateway.failures import FailureKind, VendorFailure
from hrx.app.gateway.prices import Price
from hrx.app.gateway.targets import Clocks, Endpoint, Route, Target
from hrx.app.gateway.unanswered import (
    AnswerInterrupted,
    AnswerTooExpensive,
    QuestionRefused,
    VendorsUnavailable,
)
from hrx.app.gateway.vendors.adapter import Vendor
from hrx.kit import clock
from tests.app.gateway.asks import FIND, make_ask
from tests.servers.llm import Fault, LlmServer, running_llm

pytestmark = pytest.mark.req("R2-7")
#: Short where a test waits for the clock to run out; a slow machine answers well within the others.
QUICK = Clocks(connect_s=10, first_token_s=0.4, idle_s=0.4, answer_s=0.4, call_s=60)
PATIENT = Clocks(connect_s=10, first_token_s=30, idle_s=30, answer_s=30, call_s=60)


class Seen:
    """Notes what a caller tells of itself, and pays for `requests` of them."""

    def __init__(self, requests: int = 100) -> None:
        self.requests = requests
        self.attempts: list[Attempted] = []
        self.fallbacks: list[tuple[str, str]] = []

    def note_attempt(self, attempted: Attempted, *, operation: str) -> None:
        self.attempts.append(attempted)

    def note_fallback(self, target: Target, *, reason: str) -> None:
        self.fallbacks.append((target.name, reason))

    def note_breaker(self, target: Target, breaker: Breaker) -> None: ...

    async def cover(self, requests: int) -> bool:
        return requests <= self.requests


def make_target(server: LlmServer, *, clocks: Clocks = PATIENT, model: str = "m-1", **given: Any) -> Target:
    price = Price(
        vendor=server.speaks,
        model=model,
        valid_from=date(2025, 1, 1),
        valid_until=None,
        input_nano=250,
        cached_nano=25,
        output_nano=2000,
    )
    values: dict[str, Any] = {
        "vendor": Vendor(server.speaks),
        "model": model,
        "endpoint": Endpoint(base_url=server.url, key=server.key),
        "clocks": clocks,
        "price": price,
        **given,
    }
    return Target(**values)


@asynccontextmanager
async def calling(seen: Seen | None = None) -> AsyncIterator[Caller]:
    caller = Caller(seen or Seen())
    try:
        yield caller
    finally:
        await caller.close()


def opened(caller: Caller, route: Route, *, ask: Ask | None = None, permit: Seen | None = None) -> Call:
    return caller.open_call(ask or make_ask(), route=route, permit=permit or Seen())


async def complete(caller: Caller, route: Route, **given: Any) -> Answer:
    return await caller.complete(given.get("ask") or make_ask(), opened(caller, route, **given))


async def read_all(caller: Caller, route: Route, **given: Any) -> list[Event]:
    events: list[Event] = given.pop("into", [])
    ask = given.get("ask") or make_ask()
    async with aclosing(caller.stream(ask, opened(caller, route, **given))) as stream:
        async for event in stream:
            events.append(event)
    return events


def said(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Piece))


ANSWERED = (Fault.TOO_MANY, Fault.BROKEN, Fault.OVERLOADED, Fault.UNAUTHORIZED, Fault.UNKNOWN_MODEL)
BROKEN_WHOLE = (Fault.HANG, Fault.CUT, Fault.STALL, Fault.PINGS, Fault.MALFORMED, Fault.ERROR_INSIDE)


@pytest.mark.parametrize("speaks", ["openai", "anthropic", "google"])
@pytest.mark.parametrize("fault", ANSWERED + BROKEN_WHOLE)
async def test_the_next_vendor_answers_when_the_first_fails(speaks: str, fault: Fault) -> None:
    seen = Seen()
    async with (
        running_llm(speaks) as first,
        running_llm("openai", name="second") as second,
        calling(seen) as caller,
    ):
        first.fail_next(fault)
        clocks = QUICK if fault in BROKEN_WHOLE else PATIENT
        route = Route(targets=(make_target(first, clocks=clocks), make_target(second, model="m-2")))
        answer = await complete(caller, route)
    assert answer.text == second.sentence
    assert [one.outcome for one in seen.attempts] == [answer.fallback_reason, "ok"]
    assert seen.fallbacks == [(route.targets[0].name, answer.fallback_reason)]
    assert len(first.asked) == 1


@pytest.mark.parametrize("speaks", ["openai", "anthropic", "google"])
@pytest.mark.parametrize("fault", [*ANSWERED, Fault.HANG, Fault.PINGS])
async def test_before_the_first_words_a_reader_sees_nothing_of_a_fallback(speaks: str, fault: Fault) -> None:
    async with (
        running_llm(speaks) as first,
        running_llm("anthropic", name="second") as second,
        calling() as caller,
    ):
        first.fail_next(fault)
        clocks = QUICK if fault in (Fault.HANG, Fault.PINGS) else PATIENT
        events = await read_all(
            caller, Route(targets=(make_target(first, clocks=clocks), make_target(second, model="m-2")))
        )
    assert said(events) == second.sentence
    assert not any(isinstance(event, Restarted) for event in events)
    assert isinstance(events[-1], Finished)


@pytest.mark.parametrize("speaks", ["openai", "anthropic", "google"])
@pytest.mark.parametrize("fault", [Fault.CUT, Fault.STALL, Fault.MALFORMED, Fault.ERROR_INSIDE])
async def test_a_vendor_that_dies_on_the_way_is_marked_and_never_spliced(speaks: str, fault: Fault) -> None:
    seen = Seen()
    async with (
        running_llm(speaks) as first,
        running_llm("google", name="second") as second,
        calling(seen) as caller,
    ):
        first.fail_next(fault)
        clocks = replace(PATIENT, idle_s=0.4) if fault is Fault.STALL else PATIENT
        events = await read_all(
            caller, Route(targets=(make_target(first, clocks=clocks), make_target(second, model="m-2")))
        )
    place = next(number for number, event in enumerate(events) if isinstance(event, Restarted))
    broken, anew = said(events[:place]), said(events[place:])
    assert broken
    assert first.sentence.startswith(broken)
    assert anew == second.sentence
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.answer.text == second.sentence
    # What the first one said is paid for, by our count.
    usage = seen.attempts[0].usage
    assert usage is not None
    assert usage.is_estimated
    assert finished.answer.cost_nano_usd == sum(one.cost_nano for one in seen.attempts)


async def test_an_answer_that_nobody_can_begin_anew_is_an_error_and_no_answer() -> None:
    async with running_llm("openai") as only, calling() as caller:
        only.fail_next(Fault.CUT)
        only.fail_next(Fault.BROKEN, times=5)
        events: list[Event] = []
        with pytest.raises(AnswerInterrupted):
            await read_all(caller, Route(targets=(make_target(only),), laps=2), into=events)
    assert all(isinstance(event, Piece) for event in events)
    assert events


async def test_tool_calls_come_with_the_end_only() -> None:
    async with running_llm("anthropic") as server, calling() as caller:
        events = await read_all(caller, Route(targets=(make_target(server),)), ask=make_ask(tools=(FIND,)))
    assert len(events) == 1
    assert isinstance(events[0], Finished)
    assert [call.name for call in events[0].answer.tool_calls] == ["find_people"]


async def test_a_question_that_is_wrong_is_asked_once() -> None:
    async with running_llm("openai") as first, running_llm("anthropic") as second, calling() as caller:
        first.fail_next(Fault.NOT_UNDERSTOOD)
        with pytest.raises(QuestionRefused):
            await complete(caller, Route(targets=(make_target(first), make_target(second))))
    assert (len(first.asked), len(second.asked)) == (1, 0)


async def test_a_lone_vendor_is_asked_again_after_a_pause() -> None:
    async with running_llm("openai") as only, calling() as caller:
        only.fail_next(Fault.TOO_MANY)
        answer = await complete(caller, Route(targets=(make_target(only),)))
    assert answer.text == only.sentence
    assert answer.fallback_reason == ""
    assert len(only.asked) == 2


async def test_nobody_waits_for_a_retry_after_that_is_too_far_away() -> None:
    async with running_llm("openai") as only, calling() as caller:
        only.fail_next(Fault.TOO_MANY_LONG)
        for _ in range(2):
            with pytest.raises(VendorsUnavailable):
                await complete(caller, Route(targets=(make_target(only),), laps=5))
    # The second question found it resting and did not ask.
    assert len(only.asked) == 1


async def test_a_target_that_fails_again_and_again_is_left_alone() -> None:
    async with running_llm("openai") as bad, running_llm("google") as good, calling() as caller:
        bad.fail_next(Fault.BROKEN, times=50)
        route = Route(targets=(make_target(bad), make_target(good)))
        answers = [await complete(caller, route) for _ in range(12)]
    assert {answer.text for answer in answers} == {good.sentence}
    assert len(bad.asked) == 3
    assert answers[-1].fallback_reason == "resting"


async def test_the_second_request_answers_where_the_first_hangs_and_a_person_waits() -> None:
    seen = Seen()
    async with running_llm("openai") as slow, running_llm("anthropic") as fast, calling(seen) as caller:
        slow.fail_next(Fault.HANG, times=2)
        route = Route(targets=(make_target(slow), make_target(fast)), hedge_s=0.05)
        answer = await complete(caller, route)
        events = await read_all(caller, route)
    assert answer.text == said(events) == fast.sentence
    assert answer.fallback_reason == "slow"
    assert [one.outcome for one in seen.attempts] == ["abandoned", "ok"] * 2
    assert [len(slow.asked), len(fast.asked)] == [2, 2]


async def test_a_hedged_first_choice_that_is_quick_stays_alone() -> None:
    async with running_llm("openai") as first, running_llm("anthropic") as second, calling() as caller:
        route = Route(targets=(make_target(first), make_target(second)), hedge_s=20)
        await complete(caller, route)
    assert not second.asked


async def test_a_second_request_that_the_budget_does_not_cover_is_not_made() -> None:
    async with (
        running_llm("openai", delay_s=0.3) as slow,
        running_llm("google") as other,
        calling() as caller,
    ):
        route = Route(targets=(make_target(slow), make_target(other)), hedge_s=0.02)
        answer = await complete(caller, route, permit=Seen(requests=1))
    assert answer.text == slow.sentence
    assert not other.asked


async def test_an_attempt_that_spent_the_budget_is_the_last() -> None:
    async with running_llm("openai") as first, running_llm("google") as second, calling() as caller:
        first.fail_next(Fault.CUT)
        route = Route(targets=(make_target(first), make_target(second)))
        with pytest.raises(AnswerInterrupted) as caught:
            await read_all(caller, route, permit=Seen(requests=1))
    assert isinstance(caught.value.__cause__, AnswerTooExpensive)
    assert not second.asked


async def test_a_reader_who_leaves_pays_for_what_was_said() -> None:
    seen = Seen()
    async with running_llm("openai") as server, calling(seen) as caller:
        events = caller.stream(make_ask(), opened(caller, Route(targets=(make_target(server),))))
        await anext(events)
        await events.aclose()
    assert [one.outcome for one in seen.attempts] == ["abandoned"]
    assert seen.attempts[0].cost_nano > 0


async def test_a_whole_call_is_bounded_whatever_its_vendors_do() -> None:
    async with running_llm("openai") as one, running_llm("google") as two, calling() as caller:
        for server in (one, two):
            server.fail_next(Fault.PINGS, times=20)
        clocks = replace(PATIENT, call_s=0.5)
        targets = tuple(make_target(server, clocks=clocks) for server in (one, two))
        with pytest.raises(VendorsUnavailable):
            await asyncio.wait_for(read_all(caller, Route(targets=targets, laps=5)), timeout=30)
    assert len(one.asked) + len(two.asked) == 1


@pytest.mark.parametrize("fault", [Fault.USAGE_MISSING, Fault.USAGE_WRONG], ids=["missing", "that cannot be"])
@pytest.mark.parametrize("speaks", ["openai", "anthropic", "google"])
async def test_a_usage_is_estimated_and_marked_where_the_vendors_is(speaks: str, fault: Fault) -> None:
    async with running_llm(speaks) as server, calling() as caller:
        server.fail_next(fault, times=2)
        route = Route(targets=(make_target(server),))
        whole, events = await complete(caller, route), await read_all(caller, route)
    assert isinstance(events[-1], Finished)
    for usage in (whole.usage, events[-1].answer.usage):
        assert usage.is_estimated
        assert 0 < usage.input_tokens < 200
        assert 0 < usage.output_tokens < 200


def test_a_breaker_lets_one_request_try_after_its_rest() -> None:
    breaker, failure = (
        Breaker(),
        VendorFailure(FailureKind.AUTHENTICATION, detail="HTTP 401", retry_after_s=None),
    )
    assert breaker.take()
    breaker.note_failure(failure)
    assert not breaker.take()
    breaker._rests_until_s = clock.monotonic_s()
    assert [breaker.take(), breaker.take()] == [True, False]
    breaker.note_failure(failure)
    assert breaker.wait_s() > 5
    breaker._rests_until_s = clock.monotonic_s()
    assert breaker.take()
    breaker.note_success()
    assert breaker.state is BreakerState.CLOSED


def test_a_retry_after_is_read_as_seconds_milliseconds_or_a_date() -> None:
    soon = clock.now() + timedelta(seconds=90)
    assert read_retry_after({"Retry-After": "7"}) == 7
    assert read_retry_after({"retry-after-ms": "250"}) == 0.25
    dated = read_retry_after({"Retry-After": soon.strftime("%a, %d %b %Y %H:%M:%S GMT")})
    assert dated == pytest.approx(90, abs=5)
    assert read_retry_after({"Retry-After": "presently"}) is None
    assert read_retry_after({}) is None
