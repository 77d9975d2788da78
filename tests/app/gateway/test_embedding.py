"""Vectors of texts: asked for as the vendors' own libraries do, held to their number and length, paid for."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import openai
import pytest
from google import genai
from google.genai import types as google_types
from prometheus_client import CollectorRegistry

from hrx.app.gateway.asking import EmbedAsk, Usage, Vectors
from hrx.app.gateway.building import build_gateway
from hrx.app.gateway.door import NotConfigured
from hrx.app.gateway.embedding import split
from hrx.app.gateway.ledger import BudgetSpent
from hrx.app.gateway.targets import Clocks
from hrx.app.gateway.unanswered import QuestionRefused, VendorsUnavailable
from hrx.app.gateway.vendors.adapter import EmbedLimits, Vendor
from hrx.app.gateway.vendors.known import ADAPTERS
from hrx.app.platform.ai_figures import AiFigures
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import TenantId, system_principal
from hrx.kit.errors import Invalid
from tests.app.conftest import MakeSettings
from tests.app.gateway.asks import make_embed_ask
from tests.app.gateway.test_ledger import ALL_CALLS, allow, database, opened, rows
from tests.app.gateway.test_vendors import post
from tests.servers.llm import Fault, LlmServer, running_llm

__all__ = ["database"]
pytestmark = [
    pytest.mark.req("R2-7"),
    # Google's library does what aiohttp discourages.
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
]
VENDORS = ("openai", "google")
UNEQUAL = (Fault.FEWER, Fault.SHORTER, Fault.NOTHING, Fault.NOT_A_NUMBER)
TEXTS = ("一", "二", "三")
#: Short where a test waits for the clock to run out.
SOON = Clocks(connect_s=10, first_token_s=30, idle_s=30, answer_s=0.4, call_s=60)


async def ask_ours(server: LlmServer, ask: EmbedAsk) -> Vectors:
    adapter = ADAPTERS[Vendor(server.speaks)]
    body = await post(server, adapter.encode_embeddings(ask, model="m-1", key=server.key))
    return adapter.decode_embeddings(body)


async def ask_official(server: LlmServer, kind: str) -> list[list[float]]:
    """The same through the vendor's own library."""
    if server.speaks == "openai":
        async with openai.AsyncOpenAI(api_key=server.key, base_url=server.url, max_retries=0) as client:
            whole = await client.embeddings.create(
                model="m-1", input=list(TEXTS), dimensions=8, encoding_format="float"
            )
        return [one.embedding for one in sorted(whole.data, key=lambda one: one.index)]
    options = google_types.HttpOptions(base_url=server.url, api_version="")
    google = genai.Client(api_key=server.key, http_options=options)
    task = {"query": "RETRIEVAL_QUERY", "passage": "RETRIEVAL_DOCUMENT"}[kind]
    config: Any = {"task_type": task, "output_dimensionality": 8}
    # A list of texts is one content of several parts to its type checker only.
    contents: Any = list(TEXTS)
    try:
        found = await google.aio.models.embed_content(model="m-1", contents=contents, config=config)
    finally:
        await google.aio.aclose()
        google.close()
    return [list(one.values or ()) for one in found.embeddings or ()]


@pytest.mark.parametrize("kind", ["query", "passage"])
@pytest.mark.parametrize("speaks", VENDORS)
async def test_we_ask_for_vectors_and_read_them_as_the_vendors_own_library_does(
    speaks: str, kind: Any
) -> None:
    async with running_llm(speaks) as server:
        official = await ask_official(server, kind)
        ours = await ask_ours(server, make_embed_ask(*TEXTS, kind=kind))
    assert [list(one) for one in ours.vectors] == official == [server.vector(text) for text in TEXTS]
    assert ours.usage == Usage(input_tokens=server.billed[1].input_tokens, output_tokens=0)
    assert _plain(server.asked[1]) == _plain(server.asked[0])
    assert server.paths[1].rstrip("?") == server.paths[0].rstrip("?").replace("//", "/")


def _plain(body: Any) -> Any:
    """Without the role that is the default."""
    if isinstance(body, dict):
        return {name: _plain(value) for name, value in body.items() if name != "role"}
    return [_plain(one) for one in body] if isinstance(body, list) else body


def test_a_server_of_ones_own_is_not_asked_for_a_length() -> None:
    ask = make_embed_ask("一", model="compatible:e5")
    body = json.loads(ADAPTERS[Vendor.COMPATIBLE].encode_embeddings(ask, model="e5", key="").body)
    assert body == {"model": "e5", "input": ["一"], "encoding_format": "float"}


@pytest.mark.parametrize("speaks", VENDORS)
async def test_vectors_have_length_one_and_cost_what_the_vendor_bills(
    speaks: str, database: Database, tenant: TenantId
) -> None:
    async with running_llm(speaks) as server, opened(database, server) as gateway:
        ask = make_embed_ask("一一二", "三", model=f"{speaks}:m-0")
        found = await gateway.embed(ask, by=system_principal(tenant))
    assert [math.hypot(*one) for one in found.vectors] == pytest.approx([1, 1])
    assert found.vectors[0][:2] == pytest.approx((2 / 5**0.5, 1 / 5**0.5))
    (call,) = await rows(database, tenant, ALL_CALLS)
    (billed,) = server.billed
    told = (call["operation"], call["state"], call["feature"], call["is_estimated"])
    assert told == ("embeddings", "answered", "search", False)
    assert call["cost_nano_usd"] == 250 * billed.input_tokens > 0


@pytest.mark.parametrize("speaks", VENDORS)
@pytest.mark.parametrize("fault", [*UNEQUAL, Fault.MALFORMED, Fault.ERROR_INSIDE, Fault.CUT])
async def test_vectors_that_are_not_what_was_asked_for_are_none_at_all_and_asked_for_again(
    speaks: str, fault: Fault, database: Database, tenant: TenantId
) -> None:
    async with running_llm(speaks) as server, opened(database, server) as gateway:
        ask, by = make_embed_ask(*TEXTS, model=f"{speaks}:m-0"), system_principal(tenant)
        server.fail_next(fault)
        assert len((await gateway.embed(ask, by=by)).vectors) == 3
        server.fail_next(fault, times=9)
        with pytest.raises(VendorsUnavailable) as caught:
            await gateway.embed(ask, by=by)
    if fault is Fault.SHORTER:
        assert "7 numbers instead of 8" in caught.value.message.en
    if fault is Fault.FEWER:
        assert "2 vectors for 3 texts" in caught.value.message.en
    states = [call["state"] for call in await rows(database, tenant, ALL_CALLS)]
    assert states == ["answered", "failed"]


async def test_two_vectors_in_one_place_are_refused(database: Database, tenant: TenantId) -> None:
    async with running_llm("openai") as server, opened(database, server) as gateway:
        server.fail_next(Fault.SAME_PLACE, times=9)
        with pytest.raises(VendorsUnavailable, match="two in one"):
            await gateway.embed(make_embed_ask(model="openai:m-0"), by=system_principal(tenant))


@pytest.mark.parametrize("speaks", VENDORS)
@pytest.mark.parametrize("fault", [Fault.HANG, Fault.STALL])
async def test_a_silent_vendor_costs_the_clock_and_no_more(
    speaks: str, fault: Fault, database: Database, tenant: TenantId
) -> None:
    async with running_llm(speaks) as server, opened(database, server, clocks=SOON) as gateway:
        server.fail_next(fault, times=9)
        with pytest.raises(VendorsUnavailable, match="timeout"):
            await gateway.embed(make_embed_ask(model=f"{speaks}:m-0"), by=system_principal(tenant))
        assert len(server.asked) == 2


async def test_a_person_does_not_wait_for_a_vector_longer_than_was_said(
    database: Database, tenant: TenantId
) -> None:
    async with running_llm("openai") as server, opened(database, server) as gateway:
        server.fail_next(Fault.HANG, times=9)
        ask = make_embed_ask(model="openai:m-0", kind="query", within_s=0.3)
        async with asyncio.timeout(25):
            with pytest.raises(VendorsUnavailable):
                await gateway.embed(ask, by=system_principal(tenant))


@pytest.mark.parametrize("speaks", VENDORS)
async def test_a_vendor_that_is_busy_is_asked_again_when_it_says_and_rests_when_that_is_long(
    speaks: str, database: Database, tenant: TenantId
) -> None:
    async with running_llm(speaks) as server, opened(database, server) as gateway:
        ask, by = make_embed_ask(model=f"{speaks}:m-0"), system_principal(tenant)
        server.fail_next(Fault.TOO_MANY)
        await gateway.embed(ask, by=by)
        server.fail_next(Fault.TOO_MANY_LONG)
        for _ in range(2):
            with pytest.raises(VendorsUnavailable):
                await gateway.embed(ask, by=by)
    # 429 and the answer, 429 for an hour; the last was not sent any more.
    assert len(server.asked) == 3


async def test_texts_that_a_vendor_does_not_take_are_refused_at_once(
    database: Database, tenant: TenantId
) -> None:
    async with running_llm("openai", refused_word="二") as server, opened(database, server) as gateway:
        with pytest.raises(QuestionRefused):
            await gateway.embed(make_embed_ask(model="openai:m-0"), by=system_principal(tenant))
        assert len(server.asked) == 1


async def test_a_budget_that_is_spent_asks_nobody(database: Database, tenant: TenantId) -> None:
    async with running_llm("openai") as server, opened(database, server) as gateway:
        await allow(database, tenant, limit_nano_usd=1_000)
        with pytest.raises(BudgetSpent):
            await gateway.embed(make_embed_ask(model="openai:m-0"), by=system_principal(tenant))
        assert server.asked == []
    (budget,) = await rows(database, tenant, "SELECT * FROM app.ai_allowance")
    assert (budget["reserved_nano_usd"], budget["used_nano_usd"]) == (0, 0)


async def test_more_texts_than_a_vendor_takes_go_in_several_requests(
    database: Database, tenant: TenantId
) -> None:
    texts = [TEXTS[at % 3] for at in range(205)]
    async with running_llm("google") as server, opened(database, server) as gateway:
        found = await gateway.embed(make_embed_ask(*texts, model="google:m-0"), by=system_principal(tenant))
    assert [len(body["requests"]) for body in server.asked] == [100, 100, 5]
    assert [one.index(1.0) for one in found.vectors] == [at % 3 for at in range(205)]
    assert len(await rows(database, tenant, ALL_CALLS)) == 3


def test_a_request_holds_no_more_texts_and_tokens_than_it_may() -> None:
    ask = make_embed_ask("x" * 400, "二" * 90, "y", "z" * 4_000, "w")
    parts = list(split(ask, limits=EmbedLimits(texts=2, tokens=400)))
    # 216 and 151 tokens at most; 4,000 letters are too many for any request, and go alone.
    assert [len(part.texts) for part in parts] == [2, 1, 1, 1]
    assert tuple(text for part in parts for text in part.texts) == ask.texts


async def test_a_model_that_makes_vectors_is_what_the_settings_say(
    make_settings: MakeSettings, database: Database
) -> None:
    def build(model: str, **given: Any) -> Any:
        return build_gateway(
            make_settings(**given),
            database=database,
            figures=AiFigures(CollectorRegistry()),
            embedding_models=[model],
        )

    large = "openai:text-embedding-3-large"
    assert build(large, openai_api_key="sk-1").may_embed(large)
    assert build("compatible:e5", llm_url="http://127.0.0.1:1/v1").may_embed("compatible:e5")
    with pytest.raises(Invalid, match="makes no vectors"):
        build("anthropic:claude-haiku-4-5", anthropic_api_key="sk-1")
    gateway = build(large)
    assert not gateway.may_embed(large)
    with pytest.raises(NotConfigured):
        await gateway.embed(make_embed_ask(model=large), by=system_principal(TenantId(1)))
