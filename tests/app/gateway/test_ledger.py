"""Money: nothing is spent that was not reserved, each call is one row, and rows are what vendors bill."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hrx.app.gateway.answering import Answer, Finished
from hrx.app.gateway.asking import Message, Speaker
from hrx.app.gateway.building import build_gateway
from hrx.app.gateway.door import Gateway, NotConfigured
from hrx.app.gateway.ledger import BudgetSpent, CallsTooFast, Ledger, set_allowance, set_masking
from hrx.app.gateway.masking import PersonName
from hrx.app.gateway.prices import PriceMissing, read_prices
from hrx.app.gateway.targets import Clocks, Route
from hrx.app.gateway.unanswered import AnswerInterrupted, VendorsUnavailable
from hrx.app.platform.ai_figures import AiFigures
from hrx.app.platform.db import Database, open_database
from hrx.app.platform.tenancy import Principal, Role, TenantId, UserId, system_principal
from hrx.kit import clock
from tests.app.conftest import MakeSettings, MakeUser
from tests.app.gateway.asks import FIND, make_ask, make_embed_ask
from tests.app.gateway.test_calling import PATIENT, make_target
from tests.conftest import PostgresServer
from tests.servers.llm import Fault, LlmServer, running_llm

pytestmark = pytest.mark.req("R2-7")
#: What the stand-in bills for one question, by `make_target`'s prices, is below this.
ONE_CALL_NANO = 2_000 * 200 + 250 * 400


@pytest_asyncio.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    """Few connections and much patience: many calls at once wait for each other on a busy machine."""
    patient = open_database(
        postgres.app_url, pool_size=8, pool_timeout_s=120, statement_timeout_ms=60_000, lock_timeout_ms=60_000
    )
    yield patient
    await patient.close()


@asynccontextmanager
async def opened(
    database: Database, *servers: LlmServer, clocks: Clocks = PATIENT, **given: Any
) -> AsyncIterator[Gateway]:
    targets = tuple(
        make_target(server, clocks=clocks, model=f"m-{number}") for number, server in enumerate(servers)
    )
    route = Route(targets=targets)
    gateway = Gateway(
        chat=route,
        embedding={target.name: Route(targets=(target,)) for target in targets},
        ledger=Ledger(database),
        figures=given.pop("figures", None) or AiFigures(CollectorRegistry()),
        **given,
    )
    try:
        yield gateway
    finally:
        await gateway.close()


async def rows(database: Database, tenant: TenantId, sql: str) -> list[dict[str, Any]]:
    async with database.transaction(system_principal(tenant)) as session:
        return [dict(row._mapping) for row in await session.execute(text(sql))]


async def allow(database: Database, tenant: TenantId, **given: Any) -> None:
    async with database.transaction(system_principal(tenant)) as session:
        await set_allowance(session, **given)


ALL_CALLS = "SELECT * FROM app.ai_call ORDER BY id"


async def test_a_call_is_one_row_with_figures_and_no_words(database: Database, tenant: TenantId) -> None:
    async with running_llm("anthropic") as server, opened(database, server) as gateway:
        ask = make_ask("山本の評価は?", prompt_version="answer-3")
        answer = await gateway.complete(ask, by=system_principal(tenant))
    (row,) = await rows(database, tenant, ALL_CALLS)
    (billed,) = server.billed
    assert (row["state"], row["vendor"], row["model"]) == ("answered", "anthropic", "m-0")
    assert (row["input_tokens"], row["output_tokens"]) == (billed.input_tokens, billed.output_tokens)
    assert (
        row["cost_nano_usd"]
        == 250 * billed.input_tokens + 2000 * billed.output_tokens
        == answer.cost_nano_usd
    )
    assert (row["feature"], row["prompt_version"], row["is_estimated"]) == ("assistant", "answer-3", False)
    assert row["settled_at"] is not None
    told = str(row)
    assert "山本" not in told
    assert answer.text not in told


async def test_a_budget_that_pays_for_few_admits_few_of_a_hundred_at_once(
    database: Database, tenant: TenantId
) -> None:
    async with running_llm("openai") as server, opened(database, server) as gateway:
        by = system_principal(tenant)
        await allow(database, tenant, limit_nano_usd=5 * ONE_CALL_NANO)
        results = await asyncio.gather(
            *(gateway.complete(make_ask(), by=by) for _ in range(100)), return_exceptions=True
        )
    answers = [one for one in results if isinstance(one, Answer)]
    refused = [one for one in results if isinstance(one, BudgetSpent)]
    assert len(answers) + len(refused) == 100
    assert 1 <= len(answers) < 100
    (budget,) = await rows(database, tenant, "SELECT * FROM app.ai_allowance")
    spent = sum(250 * one.input_tokens + 2000 * one.output_tokens for one in server.billed)
    assert budget["used_nano_usd"] == spent <= budget["limit_nano_usd"]
    assert budget["reserved_nano_usd"] == 0
    assert len(server.asked) == len(answers)


async def test_a_call_that_one_budget_refuses_takes_nothing_from_the_others(
    database: Database, tenant: TenantId
) -> None:
    async with running_llm("openai") as server, opened(database, server) as gateway:
        await allow(database, tenant, limit_nano_usd=100 * ONE_CALL_NANO)
        await allow(database, tenant, limit_nano_usd=0, feature="assistant")
        with pytest.raises(BudgetSpent):
            await gateway.complete(make_ask(), by=system_principal(tenant))
        await gateway.complete(make_ask(feature="extraction"), by=system_principal(tenant))
    found = await rows(database, tenant, "SELECT * FROM app.ai_allowance ORDER BY id")
    assert [one["reserved_nano_usd"] for one in found] == [0, 0]
    assert [one["used_nano_usd"] > 0 for one in found] == [True, False]
    assert len(await rows(database, tenant, ALL_CALLS)) == 1


async def test_calls_a_minute_are_bounded_and_the_next_minute_is_new(
    database: Database, tenant: TenantId
) -> None:
    async with running_llm("openai") as server, opened(database, server) as gateway:
        by = system_principal(tenant)
        await allow(database, tenant, limit_nano_usd=None, calls_per_minute=3)
        begin = timedelta(seconds=61 - clock.now().second)
        with clock.shifted(begin):
            results = await asyncio.gather(
                *(gateway.complete(make_ask(), by=by) for _ in range(10)), return_exceptions=True
            )
        assert sum(isinstance(one, Answer) for one in results) == 3
        assert sum(isinstance(one, CallsTooFast) for one in results) == 7
        with clock.shifted(begin + timedelta(seconds=60)):
            await gateway.complete(make_ask(), by=by)


async def test_a_month_begins_with_the_limits_of_the_last_and_nothing_spent(
    database: Database, tenant: TenantId
) -> None:
    async with running_llm("openai") as server, opened(database, server) as gateway:
        by = system_principal(tenant)
        await allow(database, tenant, limit_nano_usd=ONE_CALL_NANO)
        await gateway.complete(make_ask(), by=by)
        with clock.shifted(timedelta(days=32)):
            await gateway.complete(make_ask(), by=by)
    found = await rows(database, tenant, "SELECT * FROM app.ai_allowance ORDER BY period_on")
    assert [one["limit_nano_usd"] for one in found] == [ONE_CALL_NANO, ONE_CALL_NANO]
    assert found[0]["used_nano_usd"] > 0
    assert found[1]["used_nano_usd"] > 0


async def test_a_thousand_calls_through_failing_vendors_are_each_answered_once_and_booked_once(
    database: Database, tenant: TenantId
) -> None:
    faults = (
        Fault.TOO_MANY, Fault.BROKEN, Fault.CUT, Fault.MALFORMED, Fault.ERROR_INSIDE, Fault.OVERLOADED,
        Fault.USAGE_MISSING, Fault.USAGE_WRONG,
    )  # fmt: skip
    lot = random.Random(11)  # noqa: S311 - chance, no secret
    async with (
        running_llm("openai", failing=(0.3, faults), chance=lot) as one,
        running_llm("anthropic", failing=(0.3, faults), chance=lot) as two,
        running_llm("google", failing=(0.1, faults), chance=lot) as three,
        opened(database, one, two, three) as gateway,
    ):
        by = system_principal(tenant)
        await allow(database, tenant, limit_nano_usd=10_000 * ONE_CALL_NANO)
        at_once = asyncio.Semaphore(24)
        outcomes: list[str] = []

        async def ask(number: int) -> None:
            async with at_once:
                try:
                    outcomes.append(await _ask(gateway, by, is_streamed=number % 2 == 0))
                except (VendorsUnavailable, AnswerInterrupted):
                    outcomes.append("failed")

        async with asyncio.TaskGroup() as group:
            for number in range(1_000):
                group.create_task(ask(number))
    calls = await rows(database, tenant, ALL_CALLS)
    assert len(outcomes) == len(calls) == 1_000
    assert sorted(outcomes) == sorted(call["state"] for call in calls)
    assert outcomes.count("answered") > 950
    requests = [request for call in calls for request in call["attempts"]]
    assert len(requests) == len(one.asked) + len(two.asked) + len(three.asked)
    # What vendors bill and say is booked to the token; where they do not say, it is marked.
    for server in (one, two, three):
        told = sum(request["outcome"] == "ok" for request in requests if request["vendor"] == server.speaks)
        assert told == len(server.billed)
    honest = [r for r in requests if r["outcome"] == "ok" and not r["is_estimated"]]
    hidden = sum(
        server.met[fault] for server in (one, two, three) for fault in ("no usage", "usage that cannot be")
    )
    assert sum(r["is_estimated"] for r in requests if r["outcome"] == "ok") == hidden
    assert all(request["output_tokens"] == one.words for request in honest)
    (budget,) = await rows(database, tenant, "SELECT * FROM app.ai_allowance")
    assert budget["used_nano_usd"] == sum(call["cost_nano_usd"] for call in calls)
    assert budget["used_nano_usd"] == sum(request["cost_nano_usd"] for request in requests)
    assert budget["reserved_nano_usd"] == 0


async def _ask(gateway: Gateway, by: Principal, *, is_streamed: bool) -> str:
    """Ask, and check that the answer is one vendor's whole sentence."""
    if not is_streamed:
        answer = await gateway.complete(make_ask(), by=by)
    else:
        async with aclosing(gateway.stream(make_ask(), by=by)) as events:
            last = [event async for event in events][-1]
        assert isinstance(last, Finished)
        answer = last.answer
    assert answer.text == " ".join(f"{answer.vendor}:{number}" for number in range(12))
    return "answered"


async def test_a_call_whose_process_died_is_closed_at_what_was_reserved(
    database: Database, tenant: TenantId
) -> None:
    await allow(database, tenant, limit_nano_usd=10 * ONE_CALL_NANO)
    async with running_llm("openai") as server, opened(database, server) as gateway:
        server.fail_next(Fault.HANG)
        asking = asyncio.create_task(gateway.complete(make_ask(), by=system_principal(tenant)))
        await asyncio.wait_for(server.arrived.wait(), timeout=30)
        ledger = Ledger(database)
        assert await ledger.settle_lost(tenant) == 0
        with clock.shifted(timedelta(minutes=16)):
            assert await ledger.settle_lost(tenant) == 1
            assert await ledger.settle_lost(tenant) == 0
        asking.cancel()
        await asyncio.wait([asking])
    (call,) = await rows(database, tenant, ALL_CALLS)
    (budget,) = await rows(database, tenant, "SELECT * FROM app.ai_allowance")
    # Its late end changes nothing: it is settled once.
    assert (call["state"], call["is_estimated"]) == ("lost", True)
    assert budget["used_nano_usd"] == call["cost_nano_usd"] == call["reserved_nano_usd"] > 0
    assert budget["reserved_nano_usd"] == 0


async def test_who_is_cancelled_while_waiting_leaves_nothing_reserved(
    database: Database, tenant: TenantId
) -> None:
    await allow(database, tenant, limit_nano_usd=10 * ONE_CALL_NANO)
    async with running_llm("openai") as server, opened(database, server) as gateway:
        server.fail_next(Fault.HANG)
        asking = asyncio.create_task(gateway.complete(make_ask(), by=system_principal(tenant)))
        await asyncio.wait_for(server.arrived.wait(), timeout=30)
        asking.cancel()
        await asyncio.wait([asking])
    (call,) = await rows(database, tenant, ALL_CALLS)
    (budget,) = await rows(database, tenant, "SELECT * FROM app.ai_allowance")
    assert call["state"] == "abandoned"
    assert budget["reserved_nano_usd"] == 0
    assert budget["used_nano_usd"] == call["cost_nano_usd"] > 0


async def test_another_tenant_sees_no_call_and_an_employee_neither_sees_nor_writes_any(
    database: Database, tenant: TenantId, make_tenant: Any, make_user: MakeUser
) -> None:
    user = await make_user(Role.EMPLOYEE)
    employee = Principal(
        tenant_id=tenant, user_id=UserId(user.id), person_id=None, roles=frozenset({Role.EMPLOYEE})
    )
    async with running_llm("openai") as server, opened(database, server) as gateway:
        await gateway.complete(make_ask(), by=employee)
    other = await make_tenant()
    assert len(await rows(database, tenant, ALL_CALLS)) == 1
    assert await rows(database, other, ALL_CALLS) == []
    async with database.transaction(employee) as session:
        assert list(await session.execute(text(ALL_CALLS))) == []
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.transaction(employee) as session:
            await set_allowance(session, limit_nano_usd=1)


async def test_personal_data_stays_here_where_the_tenant_wants_it(
    database: Database, tenant: TenantId
) -> None:
    async def directory(by: Principal) -> list[PersonName]:
        return [PersonName(family="佐藤", given="花子")]

    question = "佐藤 花子さん(hanako@example.jp、090-1234-5678)の上司は?"
    ask = make_ask(tools=(FIND,), messages=(Message(speaker=Speaker.USER, text=question),))
    async with running_llm("openai") as server, opened(database, server, directory=directory) as gateway:
        await gateway.complete(ask, by=system_principal(tenant))
        assert "佐藤" in str(server.asked[-1])
        async with database.transaction(system_principal(tenant)) as session:
            await set_masking(session, masks_personal_data=True)
        await gateway.complete(ask, by=system_principal(tenant))
        await gateway.embed(make_embed_ask(question, model="openai:m-0"), by=system_principal(tenant))
    for body in server.asked[-2:]:
        assert not any(secret in str(body) for secret in ("佐藤", "花子", "hanako", "1234"))
        assert "⟦PERSON1⟧" in str(body)
    assert [row["is_masked"] for row in await rows(database, tenant, ALL_CALLS)] == [False, True, True]


async def test_the_gateway_is_what_the_settings_say(make_settings: MakeSettings, database: Database) -> None:
    def build(**given: Any) -> Gateway:
        figures = AiFigures(CollectorRegistry())
        return build_gateway(make_settings(**given), database=database, figures=figures)

    assert not build(llm_targets="openai:gpt-5-mini").may_chat
    assert build(llm_targets="openai:gpt-5-mini", openai_api_key="sk-new,sk-old").may_chat
    assert build(llm_targets="compatible:llama", llm_url="http://127.0.0.1:1/v1").may_chat
    with pytest.raises(PriceMissing):
        build(llm_targets="openai:gpt-of-tomorrow", openai_api_key="sk-1")
    gateway = build()
    with pytest.raises(NotConfigured):
        await gateway.complete(make_ask(), by=system_principal(TenantId(1)))


def test_a_price_holds_from_its_day_until_the_next(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(
        "prices:\n"
        "- {vendor: openai, model: m, from: 2026-01-01, until: 2026-03-01, input: 1, output: 2}\n"
        "- {vendor: openai, model: m, from: 2026-03-01, input: 0.5, cached: 0.125, output: 2}\n"
    )
    prices = read_prices(path)
    february, march = (
        prices.get("openai", "m", on=clock.now().date().replace(2026, month, 1)) for month in (2, 3)
    )
    assert (february.input_nano, march.input_nano, march.cached_nano) == (1000, 500, 125)
    with pytest.raises(PriceMissing):
        prices.get("openai", "m", on=clock.now().date().replace(2025, 1, 1))


@pytest.mark.req("R4.1-1")
async def test_figures_tell_of_fallbacks_estimates_resting_models_and_what_is_left(
    database: Database, tenant: TenantId
) -> None:
    registry = CollectorRegistry()

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    await allow(database, tenant, limit_nano_usd=4 * ONE_CALL_NANO)
    async with (
        running_llm("openai") as bad,
        running_llm("google") as good,
        opened(database, bad, good, figures=AiFigures(registry)) as gateway,
    ):
        bad.fail_next(Fault.UNAUTHORIZED, times=9)
        good.fail_next(Fault.USAGE_MISSING)
        by, who = system_principal(tenant), {"gen_ai_provider_name": "openai", "gen_ai_request_model": "m-0"}
        await gateway.complete(make_ask(), by=by)
        await gateway.complete(make_ask(), by=by)
        assert value("hrx_gen_ai_breaker_open", **who) == 1
        assert value("hrx_gen_ai_fallbacks_total", **who, reason="authentication") == 1
        assert value("hrx_gen_ai_fallbacks_total", **who, reason="resting") == 1
        left = value("hrx_gen_ai_budget_left_ratio")
        assert left is not None
        assert 0 < left < 1
        with pytest.raises(BudgetSpent):
            await gateway.complete(make_ask(max_output_tokens=100_000), by=by)
    other = {"gen_ai_provider_name": "google", "gen_ai_request_model": "m-1"}
    assert value("hrx_gen_ai_usage_estimated_total", **other) == 1
    assert value("hrx_gen_ai_refused_total", reason="budget") == 1
    (spent,) = await rows(database, tenant, "SELECT sum(cost_nano_usd) AS nano FROM app.ai_call")
    assert value("hrx_gen_ai_cost_usd_total", **other) == pytest.approx(float(spent["nano"]) / 1e9)
