"""Answers that a model writes: checked against what they cite, only text, quoted where it fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from tests.app.assistant.asking import ask
from tests.app.assistant.injected import FOREIGN, ORDERS, obey, passage_of
from tests.app.assistant.shelf import CONDOLENCE, LEAVE, TRAVEL, shelve, take_away
from tests.app.clients import Browser, create_user, open_browser
from tests.app.conftest import MakeSettings, running
from tests.servers.llm import Fault, LlmServer, running_llm

pytestmark = pytest.mark.req("R2-6")
QUESTION = "年次有給休暇は何日ですか"


@dataclass(slots=True)
class Scene:
    """An API with a stand-in model behind it."""

    app: FastAPI
    model: LlmServer
    database: Database

    @asynccontextmanager
    async def signed_in(self, tenant: TenantId, *roles: Role) -> AsyncIterator[Browser]:
        browser = open_browser(self.app)
        user = await create_user(self.app, self.database, tenant_id=tenant, roles=frozenset(roles))
        await browser.sign_in(user)
        yield browser
        await browser.http.aclose()


@pytest_asyncio.fixture
async def scene(make_settings: MakeSettings, database: Database) -> AsyncIterator[Scene]:
    async with running_llm("openai") as model:
        settings = make_settings(
            llm_targets="openai:gpt-5-mini",
            openai_url=model.url,
            openai_api_key=SecretStr(model.key),
            llm_laps=1,
            database_pool_size=3,
        )
        async with running(settings) as app:
            yield Scene(app, model, database)


async def test_each_sentence_is_shown_with_what_it_stands_on(
    scene: Scene, tenant: TenantId, database: Database
) -> None:
    await shelve(database, tenant, LEAVE, CONDOLENCE, TRAVEL)
    scene.model.speech = lambda body: (
        "6か月継続して勤務した社員には10日の年次有給休暇が与えられます。[1]"
        " 20日の年次有給休暇が与えられます。[1]"
        " 年次有給休暇は2年間で消滅します [1]。 年次有給休暇は繰り越せます。[9]"
    )
    async with scene.signed_in(tenant, Role.EMPLOYEE) as browser:
        heard = await ask(browser, QUESTION)
        assert [(one["is_supported"], one["citations"]) for one in heard.all("sentence")] == [
            (True, [1]), (False, [1]), (True, [1]), (False, []),
        ]  # fmt: skip
        assert (heard.only("meta")["mode"], heard.only("done")["mode"]) == ("model", "model")
        assert heard.names.index("citation") < heard.names.index("delta") < heard.names.index("sentence")
        assert heard.only("usage")["output_tokens"] > 0
        path = f"/assistant/conversations/{heard.only('meta')['conversation_id']}"
        [kept] = (await browser.get(path)).json()["answers"]
    assert (kept["state"], kept["mode"]) == ("done", "model")
    assert [one["text"] for one in kept["sentences"]] == [one["text"] for one in heard.all("sentence")]
    # Whoever looks after money finds the call, which holds no word of it.
    async with database.transaction(system_principal(tenant)) as session:
        call = (await session.execute(text("SELECT * FROM app.ai_call"))).mappings().one()
    assert call["prompt_version"].startswith("answer@")
    assert call["state"] == "answered"
    assert "有給" not in str(dict(call))


async def test_documents_that_give_orders_get_no_address_no_markup_and_no_tool_out(
    scene: Scene, tenant: TenantId, database: Database
) -> None:
    assert len(ORDERS) >= 20
    scene.model.speech = obey
    await shelve(database, tenant, LEAVE)
    async with scene.signed_in(tenant, Role.EMPLOYEE) as browser:
        for number, order in enumerate(ORDERS):
            document = await shelve(database, tenant, passage_of(order, number=number), title="お知らせ")
            heard = await ask(browser, QUESTION if number % 2 else "annual leave 年次有給休暇 10日 notice")
            # The model was told, and did as it was told.
            assert order in obey(scene.model.asked[-1])
            assert not scene.model.asked[-1].get("tools")
            for name, data in heard.events:
                if name != "citation":
                    assert not FOREIGN.search(json.dumps(data, ensure_ascii=False)), (order, name, data)
            await take_away(database, tenant, document, "deleted_at = now()")


async def test_an_address_of_the_asker_stays(scene: Scene, tenant: TenantId, database: Database) -> None:
    await shelve(database, tenant, LEAVE)
    scene.model.speech = lambda body: "https://hr.example.jp/leave の10日の年次有給休暇を与える。[1]"
    async with scene.signed_in(tenant, Role.EMPLOYEE) as browser:
        heard = await ask(browser, "https://hr.example.jp/leave の年次有給休暇は何日ですか")
    assert "https://hr.example.jp/leave" in heard.text


@pytest.mark.parametrize(
    ("fault", "reason", "has_begun"),
    [
        (Fault.BROKEN, "gateway.vendors_unavailable", False),
        (Fault.CUT, "gateway.answer_interrupted", True),
        (Fault.NOT_UNDERSTOOD, "gateway.question_refused", False),
    ],
)
async def test_when_the_model_fails_the_documents_are_quoted_with_the_reason(
    scene: Scene, tenant: TenantId, database: Database, fault: Fault, reason: str, has_begun: bool
) -> None:
    await shelve(database, tenant, LEAVE)
    scene.model.speech = lambda body: "年次有給休暇は10日です。[1] " * 8
    scene.model.fail_next(fault, times=9)
    async with scene.signed_in(tenant, Role.EMPLOYEE) as browser:
        heard = await ask(browser, QUESTION)
    done = heard.only("done")
    assert (done["mode"], done["reason"]) == ("quotes", reason)
    assert "10日の年次有給休暇を与える" in heard.text
    assert "引用" in done["message"]
    assert [bool(one["text"]) for one in heard.all("interrupted")] == [True] * has_begun
    assert bool(heard.all("delta")) is has_begun


async def test_a_spent_budget_is_said_and_the_documents_are_quoted(
    scene: Scene, tenant: TenantId, database: Database
) -> None:
    await shelve(database, tenant, LEAVE)
    async with database.transaction(system_principal(tenant)) as session:
        await session.execute(
            text(
                "INSERT INTO app.ai_allowance (period_on, limit_nano_usd)"
                " VALUES (date_trunc('month', now() AT TIME ZONE 'UTC')::date, 0)"
            )
        )
    async with scene.signed_in(tenant, Role.EMPLOYEE) as browser:
        heard = await ask(browser, QUESTION)
    done = heard.only("done")
    assert (done["mode"], done["reason"]) == ("quotes", "gateway.budget_spent")
    assert "予算" in done["message"]
    assert "10日" in heard.text
    assert scene.model.asked == []


async def test_what_stands_on_nothing_is_replaced_by_quotes(
    scene: Scene, tenant: TenantId, database: Database
) -> None:
    await shelve(database, tenant, LEAVE)
    scene.model.speech = lambda body: "社長は海外旅行がとても好きです。[1]"
    async with scene.signed_in(tenant, Role.EMPLOYEE) as browser:
        heard = await ask(browser, QUESTION)
    assert heard.only("done")["reason"] == "answer.unsupported"
    assert "海外旅行" not in heard.text
    assert "10日" in heard.text


async def test_a_document_deleted_while_the_model_writes_takes_the_answer_along(
    scene: Scene, tenant: TenantId, database: Database
) -> None:
    document = await shelve(database, tenant, LEAVE)
    scene.model.speech = lambda body: "10日の年次有給休暇が与えられます。[1]"
    scene.model.delay_s = 0.5
    async with scene.signed_in(tenant, Role.EMPLOYEE) as browser, asyncio.TaskGroup() as group:
        asking = group.create_task(ask(browser, QUESTION))
        async with asyncio.timeout(30):
            await scene.model.arrived.wait()
        await take_away(database, tenant, document, "deleted_at = now()")
        heard = await asking
    assert (heard.only("done")["mode"], heard.only("done")["reason"]) == ("not_found", "answer.sources_gone")
    assert "10日" not in heard.text
