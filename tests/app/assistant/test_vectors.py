"""An index by another encoder is filled beside the one that answers, switched to when whole, and left."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from hrx.app.assistant.evaluation.jobs import learn_weights
from hrx.app.assistant.evaluation.weighing import LEAST_QUESTIONS
from hrx.app.assistant.indexing.jobs import embed_lacking, fill
from hrx.app.assistant.indexing.making import Made, Maker
from hrx.app.assistant.parts import AssistantParts, build_assistant
from hrx.app.assistant.retrieval.finding import Found, find_passages
from hrx.app.assistant.retrieval.retriever import Retriever, Weights
from hrx.app.assistant.retrieval.vectors import know_vector
from hrx.app.gateway.ledger import set_allowance
from hrx.app.gateway.unanswered import QuestionRefused, VendorsUnavailable
from hrx.app.platform.ai_figures import AiFigures
from hrx.app.platform.db import fetch_dicts, open_database
from hrx.app.platform.jobs import JobContext
from hrx.app.platform.search_index import LackingRow, give_vectors, list_generations, list_lacking
from hrx.app.platform.tenancy import PersonId, Principal, Role, system_principal
from hrx.app.settings import AppSettings
from hrx.kit.errors import Language
from hrx.kit.search.encoders.describing import get_description
from hrx.kit.search.passages import PassageText
from hrx.ops.release.indexes.building import build, building_session, count_behind, count_lacking
from hrx.ops.release.indexes.definitions import choose_encoder, get_definition
from hrx.ops.release.indexes.generations import Generation
from hrx.ops.release.indexes.preparing import prepare_indexes
from hrx.ops.release.indexes.switching import IndexNotReady, find_before, switch
from tests.app.assistant.asking import ask
from tests.app.assistant.library import Library
from tests.app.assistant.test_question_sets import PATH, make_set
from tests.app.clients import create_user, open_browser
from tests.app.conftest import MakeSettings, running
from tests.app.people.company import create_tenant
from tests.conftest import ROOT, PostgresServer
from tests.kit.encoders import describe, make_onnx_encoder
from tests.servers.llm import Fault, LlmServer, running_llm

pytestmark = [pytest.mark.req("R2-6"), pytest.mark.req("R3.4-1")]
COUNTS = "SELECT place, language, passages FROM search.passages_g{}_df ORDER BY 1, 2"
KEYS = "SELECT key FROM search.passages_g{} ORDER BY 1"
VECTORS = "SELECT key FROM search.passages_g{} WHERE embedding IS NOT NULL ORDER BY 1"
#: What the stand-ins understand: other words of the same meaning.
MEANINGS = (("休暇", "休み", "leave", "respite"), ("旅費", "経費"))
LEAVE, TRAVEL = "休暇 を 与える", "旅費 を 払う"
#: Meaning alone, as questions may have shown it to be best.
DENSE = Weights(terms=0.0, grams=0.0, dense=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A library in a database of its own, where encoders may be changed."""

    library: Library
    owner_url: str
    settings: AppSettings
    server: LlmServer

    @property
    def job(self) -> JobContext:
        principal = system_principal(self.library.tenant_id)
        return JobContext(
            principal=principal, database=self.library.database, settings=self.settings, attempt=1
        )

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        async with self.library.database.transaction(self.job.principal) as session:
            return await fetch_dicts(session, sql, {})

    def build(self) -> Generation:
        definition = get_definition(ROOT / "runbook", "passages")
        with building_session(self.owner_url, "passages") as session:
            return build(session, definition, choose_encoder(definition, self.settings), batch_rows=20)

    def lacking(self, generation: Generation) -> int:
        with building_session(self.owner_url, "passages") as session:
            return count_lacking(session, generation)

    def behind(self, generation: Generation) -> int:
        with building_session(self.owner_url, "passages") as session:
            return count_behind(session, generation)

    def switch(self, generation: Generation) -> None:
        with building_session(self.owner_url, "passages") as session:
            switch(session, generation, by="test", folder=self.settings.encoders_dir)

    def back(self) -> Generation:
        with building_session(self.owner_url, "passages") as session:
            before = find_before(session, "passages")
            switch(session, before, by="test", folder=self.settings.encoders_dir)
            return before

    async def find(self, question: str, *, weights: Weights | None = None, within_s: float = 20.0) -> Found:
        """As an employee's question is: the vector before the transaction."""
        asker = Principal(
            tenant_id=self.library.tenant_id,
            user_id=None,
            person_id=PersonId(1),
            roles=frozenset({Role.EMPLOYEE}),
        )
        assistant = self.assistant()
        try:
            retriever = await know_vector(
                assistant.retriever,
                question,
                open_as_asker=lambda: self.library.database.transaction(asker),
                gateway=assistant.gateway,
                within_s=within_s,
                is_weighed=weights is None,
            )
        finally:
            await assistant.gateway.close()
        given: dict[Language, Weights] | None = None if weights is None else {"ja": weights, "en": weights}
        async with self.library.database.transaction(asker) as session:
            return await find_passages(session, question, retriever=retriever, weights=given)

    def assistant(self) -> AssistantParts:
        registry = CollectorRegistry()
        return build_assistant(
            self.settings, database=self.library.database, ai=AiFigures(registry), registry=registry
        )


MakeWorld = Callable[..., Awaitable[World]]
MODELS = {
    "openai": "openai:text-embedding-3-small",
    "google": "google:gemini-embedding-001",
    "compatible": "compatible:e5",
}


@pytest_asyncio.fixture
async def make_world(
    postgres: PostgresServer, make_settings: MakeSettings, tmp_path: Path
) -> AsyncIterator[MakeWorld]:
    name = f"v_{secrets.token_hex(6)}"
    server = await asyncio.to_thread(postgres.create_migrated_database, name)
    database = open_database(server.app_url, pool_size=3)
    async with AsyncExitStack() as stack:

        async def make(kind: str = "compatible") -> World:
            speaks = "google" if kind == "google" else "openai"
            llm = await stack.enter_async_context(
                running_llm(speaks, dimensions=4, meanings=MEANINGS, key="sk-1")
            )
            if kind == "onnx":
                make_onnx_encoder(tmp_path / kind)
            else:
                languages = ["ja", "en"]
                model = MODELS[kind]
                describe(tmp_path / kind, kind="gateway", model=model, languages=languages, dimensions=4)
            settings = make_settings(
                database_url=server.app_url,
                encoders_dir=tmp_path,
                search_encoder=kind,
                openai_url=llm.url,
                openai_api_key="sk-1",
                google_url=llm.url,
                google_api_key="sk-1",
                llm_url=llm.url,
                llm_api_key="sk-1",
                llm_answer_timeout_s=20.0,
            )
            library = Library(database=database, tenant_id=await create_tenant(database))
            return World(library=library, owner_url=server.owner_url, settings=settings, server=llm)

        yield make
    await database.close()
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.parametrize("kind", ["onnx", "openai", "google", "compatible"])
async def test_search_goes_on_while_another_encoder_fills_an_index_that_is_switched_to_and_left_again(
    make_world: MakeWorld, kind: str
) -> None:
    world = await make_world(kind)
    old = await world.library.shelve(LEAVE, TRAVEL, "leave of absence")
    made = world.build()
    assert (made.number, world.behind(made), world.lacking(made)) == (2, 0, 3)
    # What is written meanwhile is in both, and the one that answers has it at once.
    new = await world.library.shelve("経費 の 上限", title="経費規程")
    assert await world.rows(KEYS.format(1)) == await world.rows(KEYS.format(2))
    assert (await world.find("経費の上限")).passages[0].id == new.passages[0]
    with pytest.raises(IndexNotReady, match="4 rows of generation 2"):
        world.switch(made)
    await embed_lacking(world.job)
    assert (world.lacking(made), world.behind(made)) == (0, 0)
    assert [one["key"] for one in await world.rows(VECTORS.format(2))] == [*old.passages, *new.passages]
    # Words are counted as they were.
    assert await world.rows(COUNTS.format(2)) == await world.rows(COUNTS.format(1))
    world.switch(made)
    # Another word for it, and found by its meaning alone.
    found = await world.find("休み", weights=DENSE)
    assert found.passages[0].id in (old.passages[0], old.passages[2])
    assert found.legs == ("dense",)
    # What is written now has its words at once, and its vector from the job that was enqueued with it.
    later = await world.library.shelve("休暇 の 期限", title="休暇規程")
    assert (await world.find("期限")).passages[0].id == later.passages[0]
    [waiting] = await world.rows(
        "SELECT count(*) AS n FROM jobs.procrastinate_jobs WHERE task_name = 'search.embed_passages'"
    )
    assert waiting["n"] == 1
    await embed_lacking(world.job)
    assert world.lacking(made) == 0
    assert world.back().number == 1
    assert (await world.find("期限")).passages[0].id == later.passages[0]
    # Vectors of the other encoder are not asked for a question any more, let alone compared.
    asked = len(world.server.asked)
    assert "dense" not in (await world.find("休み", weights=DENSE)).legs
    assert len(world.server.asked) == asked


async def test_a_worker_that_is_killed_leaves_what_it_had_and_another_goes_on_behind_it(
    make_world: MakeWorld,
) -> None:
    world = await make_world()
    await world.library.shelve(*(f"第{n}条 休暇" for n in range(100)))
    made = world.build()
    world.server.delay_s = 0.2
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.app.assistant.embedding_process",
        str(world.library.tenant_id),
        cwd=ROOT,
        env={**os.environ, **_environment(world.settings)},
    )
    try:
        async with asyncio.timeout(120):
            while not 0 < world.lacking(made) < 100:
                assert process.returncode is None
                await asyncio.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    done = 100 - world.lacking(made)
    assert done in (32, 64, 96)
    with pytest.raises(IndexNotReady):
        world.switch(made)
    world.server.asked.clear()
    await embed_lacking(world.job)
    assert world.lacking(made) == 0
    # Nothing that was there was paid for twice.
    assert sum(len(body["input"]) for body in world.server.asked) == 100 - done
    world.switch(made)


def _environment(settings: AppSettings) -> dict[str, str]:
    return {
        "HRX_DATABASE_URL": settings.database_url.get_secret_value(),
        "HRX_SESSION_KEYS": settings.session_keys.get_secret_value(),
        "HRX_SEAL_KEYS": settings.seal_keys.get_secret_value(),
        "HRX_ENCODERS_DIR": str(settings.encoders_dir),
        "HRX_LLM_URL": str(settings.llm_url),
        "HRX_LLM_API_KEY": "sk-1",
    }


@dataclass(slots=True, kw_only=True)
class Dying:
    """Makes one batch, then never again."""

    batch: int = 10
    calls: int = 0

    async def make(self, passages: Sequence[PassageText]) -> Made:
        self.calls += 1
        if self.calls > 1:
            raise TimeoutError
        return [[1.0, 0.0, 0.0, 0.0] for _ in passages]


async def test_a_batch_is_kept_when_the_next_one_fails(make_world: MakeWorld) -> None:
    world = await make_world()
    await world.library.shelve(*(f"第{n}条 休暇" for n in range(25)))
    made, maker = world.build(), Dying()
    async with world.job.transaction() as session:
        [generation] = [one for one in await list_generations(session) if one.number == made.number]
    is_maker: Maker = maker
    with pytest.raises(TimeoutError):
        await fill(world.job, generation, is_maker)
    assert (maker.calls, world.lacking(made)) == (2, 15)


@pytest.mark.parametrize("fault", [Fault.SHORTER, Fault.NOT_A_NUMBER, Fault.FEWER, Fault.CUT, Fault.BROKEN])
async def test_bad_vectors_of_a_vendor_index_nothing_and_say_what_is_wrong(
    make_world: MakeWorld, fault: Fault
) -> None:
    world = await make_world("openai")
    await world.library.shelve(LEAVE, TRAVEL)
    made = world.build()
    world.server.fail_next(fault, times=20)
    with pytest.raises(VendorsUnavailable) as caught:
        await embed_lacking(world.job)
    if fault is Fault.SHORTER:
        assert "3 numbers instead of 4" in caught.value.message.en
    assert await world.rows(VECTORS.format(2)) == []
    assert world.lacking(made) == 2
    assert (await world.find("旅費")).passages


async def test_a_budget_that_is_spent_leaves_passages_waiting_until_there_is_room(
    make_world: MakeWorld,
) -> None:
    world = await make_world("openai")
    await world.library.shelve(LEAVE, TRAVEL)
    made = world.build()

    async def allow(limit_nano_usd: int) -> None:
        async with world.job.transaction() as session:
            await set_allowance(session, feature="search", limit_nano_usd=limit_nano_usd)

    await allow(1)
    await embed_lacking(world.job)
    assert (world.lacking(made), world.server.asked) == (2, [])
    await allow(10**9)
    await embed_lacking(world.job)
    assert world.lacking(made) == 0
    [call] = await world.rows("SELECT feature, operation, cost_nano_usd, state FROM app.ai_call")
    assert (call["feature"], call["operation"], call["state"]) == ("search", "embeddings", "answered")
    assert call["cost_nano_usd"] == 20 * world.server.billed[0].input_tokens


async def test_one_passage_that_a_model_refuses_is_found_by_words_and_holds_up_no_other(
    make_world: MakeWorld,
) -> None:
    world = await make_world("openai")
    kept = await world.library.shelve(*(f"第{n}条 休暇" for n in range(5)), "禁句 旅費")
    made = world.build()
    world.server.refused_word = "禁句"
    await embed_lacking(world.job)
    assert [one["key"] for one in await world.rows(VECTORS.format(2))] == list(kept.passages[:5])
    world.switch(made)
    assert (await world.find("旅費")).passages[0].id == kept.passages[5]


async def test_a_model_that_refuses_everything_is_an_error_and_no_passage_is_given_up(
    make_world: MakeWorld,
) -> None:
    world = await make_world("openai")
    await world.library.shelve(LEAVE, TRAVEL)
    made = world.build()
    world.server.refused_word = "休暇"
    world.server.fail_next(Fault.NOT_UNDERSTOOD, times=20)
    with pytest.raises(QuestionRefused):
        await embed_lacking(world.job)
    assert world.lacking(made) == 2


async def test_a_vector_of_what_a_passage_said_before_is_not_given_to_it(make_world: MakeWorld) -> None:
    world = await make_world()
    shelved = await world.library.shelve(LEAVE)
    world.build()
    async with world.job.transaction() as session:
        generation = (await list_generations(session))[-1]
        [row] = await list_lacking(session, generation, after=0, limit=5)
        earlier = LackingRow(
            key=row.key, passage=PassageText(headings=("前の題",), body=LEAVE, language="ja")
        )
        await give_vectors(session, generation, [earlier], [[1.0, 0.0, 0.0, 0.0]])
        assert len(await list_lacking(session, generation, after=0, limit=5)) == 1
        await give_vectors(session, generation, [row], [[1.0, 0.0, 0.0, 0.0]])
        assert await list_lacking(session, generation, after=0, limit=5) == []
    assert [one["key"] for one in await world.rows(VECTORS.format(2))] == list(shelved.passages)


async def test_only_the_tenants_own_work_gives_vectors(make_world: MakeWorld) -> None:
    world = await make_world()
    await world.library.shelve(LEAVE)
    world.build()
    asker = Principal(
        tenant_id=world.library.tenant_id, user_id=None, person_id=None, roles=frozenset({Role.OWNER})
    )
    async with world.library.database.transaction(asker) as session:
        changed = await session.execute(text("UPDATE search.passages_g2 SET digest = 'x' RETURNING key"))
        assert changed.all() == []
    other = await create_tenant(world.library.database)
    async with world.library.database.transaction(system_principal(other)) as session:
        changed = await session.execute(text("UPDATE search.passages_g2 SET digest = 'x' RETURNING key"))
        assert changed.all() == []


async def test_a_question_is_searched_for_by_words_where_the_model_is_away_or_slow(
    make_world: MakeWorld,
) -> None:
    world = await make_world()
    shelved = await world.library.shelve(LEAVE, TRAVEL)
    made = world.build()
    await embed_lacking(world.job)
    world.switch(made)
    both = Weights(terms=0.5, grams=0.0, dense=0.5)
    assert (await world.find("休暇", weights=both)).legs == ("terms", "dense")
    for fault in (Fault.BROKEN, Fault.HANG):
        world.server.fail_next(fault, times=9)
        found = await world.find("休暇", weights=both, within_s=0.5)
        assert (found.legs, found.passages[0].id) == (("terms",), shelved.passages[0])
        world.server.faults.clear()


async def test_meaning_of_another_encoder_counts_only_where_questions_have_shown_that_it_helps(
    make_world: MakeWorld,
) -> None:
    world = await make_world()
    await world.library.shelve(LEAVE, "annual leave")
    made = world.build()
    await embed_lacking(world.job)
    world.switch(made)
    asked = len(world.server.asked)
    assert "dense" not in (await world.find("leave")).legs
    assert len(world.server.asked) == asked
    revision = get_description(world.settings.encoders_dir, "compatible").revision
    for encoder, legs in ((revision, ("terms", "dense")), ("another-1", ("terms",)), (None, ("terms",))):
        async with world.job.transaction() as session:
            await session.execute(
                text(
                    "INSERT INTO app.search_weights"
                    " (language, terms, grams, dense, encoder, questions, mrr, mrr_before)"
                    " VALUES ('en', 0, 0, 1, :encoder, 60, 1, 0.5)"
                    " ON CONFLICT (tenant_id, language) DO UPDATE SET encoder = excluded.encoder"
                ),
                {"encoder": encoder},
            )
        assert (await world.find("leave")).legs == legs


def test_delivered_weights_of_meaning_are_those_of_the_encoder_that_comes_along() -> None:
    retriever = Retriever()
    assert retriever.weigh("en", dense="minilm-0123456789abcdef").dense > 0
    assert retriever.weigh("en", dense="e5-0123456789abcdef").dense == 0
    assert retriever.weigh("en", dense="e5-0123456789abcdef", learned={"en": DENSE}) == DENSE


async def test_the_night_learns_that_an_encoder_helps_and_from_then_on_questions_are_asked_by_it(
    make_world: MakeWorld,
) -> None:
    world = await make_world()
    rules = (f"Rule n{n} of the canteen." for n in range(4))
    shelved = await world.library.shelve("Annual leave is granted.", *rules, title="Handbook")
    made = world.build()
    await embed_lacking(world.job)
    world.switch(made)
    async with running(world.settings) as app:
        hr, employee = [open_browser(app, address=f"198.51.100.{number}") for number in range(1, 3)]
        for browser, role in ((hr, Role.HR), (employee, Role.EMPLOYEE)):
            user = await create_user(
                app,
                world.library.database,
                tenant_id=world.library.tenant_id,
                roles=frozenset({role}),
            )
            await browser.sign_in(user)
        asked = len(world.server.asked)
        await ask(employee, "respite for me?")
        assert len(world.server.asked) == asked
        expected = [{"document_id": shelved.document_id, "quote": "Annual leave"}]
        questions = [{"question": f"respite q{n}", "expected": expected} for n in range(LEAST_QUESTIONS)]
        answer = await hr.post(f"{PATH}/sets/{await make_set(hr)}/questions", {"questions": questions})
        assert answer.status_code == 201, answer.text
        await learn_weights(world.job)
        [learned] = await world.rows(
            "SELECT language, dense, encoder, mrr, mrr_before FROM app.search_weights"
        )
        revision = get_description(world.settings.encoders_dir, "compatible").revision
        assert (learned["language"], learned["encoder"]) == ("en", revision)
        assert (learned["mrr"], learned["mrr_before"]) == (1.0, 0.0)
        assert learned["dense"] > 0
        asked = len(world.server.asked)
        await ask(employee, "respite for me?")
        assert [body["input"] for body in world.server.asked[asked:]] == [["respite for me?"]]
        found = await world.find("respite for me?")
        assert (found.passages[0].id, found.legs) == (shelved.passages[0], ("dense",))
        for browser in (hr, employee):
            await browser.http.aclose()


async def test_a_start_builds_nothing_while_something_answers_and_answers_by_words_where_nothing_does(
    make_world: MakeWorld,
) -> None:
    world = await make_world()
    shelved = await world.library.shelve(LEAVE, TRAVEL)

    def prepare() -> bool:
        return prepare_indexes(world.owner_url, settings=world.settings)

    assert not await asyncio.to_thread(prepare)
    # As after a release whose analyser makes other terms.
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        owner.execute("UPDATE search.generation SET encoder = 'passages-0' WHERE index_name = 'passages'")
    assert await asyncio.to_thread(prepare)
    assert (await world.find("旅費")).passages[0].id == shelved.passages[1]
    assert await world.rows(VECTORS.format(2)) == []
    await embed_lacking(world.job)
    assert len(await world.rows(VECTORS.format(2))) == 2
    assert not await asyncio.to_thread(prepare)


@pytest.mark.parametrize("kind", ["onnx", "compatible"])
async def test_an_encoder_that_was_spoilt_is_a_leg_that_is_off_and_no_asker_sees_an_error(
    make_world: MakeWorld, kind: str
) -> None:
    world = await make_world(kind)
    shelved = await world.library.shelve(LEAVE, TRAVEL)
    made = world.build()
    await embed_lacking(world.job)
    world.switch(made)
    both = Weights(terms=0.5, grams=0.0, dense=0.5)
    assert (await world.find("旅費", weights=both)).legs == ("terms", "dense")
    assistant = world.assistant()
    file = Path(str(world.settings.encoders_dir)) / kind / "encoder.yaml"
    file.write_text(file.read_text().replace("dimensions: 4", "dimensions: many"))
    async with world.job.transaction() as session:
        retriever = await know_vector(
            assistant.retriever,
            "旅費",
            open_as_asker=world.job.transaction,
            gateway=assistant.gateway,
            within_s=20.0,
            is_weighed=False,
        )
        found = await find_passages(session, "旅費", retriever=retriever, weights={"ja": both, "en": both})
    await assistant.gateway.close()
    assert (found.legs, found.passages[0].id) == (("terms",), shelved.passages[1])
