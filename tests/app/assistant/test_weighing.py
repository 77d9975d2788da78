"""Weights of the legs: learned from a tenant's questions beyond chance, in force for its people at once."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from hrx.app.assistant.evaluation.jobs import learn_weights
from hrx.app.assistant.evaluation.weighing import (
    LEAST_QUESTIONS,
    Tried,
    choose,
    is_worth,
    list_candidates,
)
from hrx.app.assistant.retrieval.finding import find_passages
from hrx.app.assistant.retrieval.retriever import WEIGHTS, Retriever, Weights
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Principal, Role, TenantId, system_principal
from tests.app.assistant.shelf import shelve
from tests.app.assistant.test_evaluation import FIRST, job_of
from tests.app.assistant.test_question_sets import PATH, make_set
from tests.app.clients import Browser
from tests.app.conftest import MakeSettings, SignIn
from tests.conftest import MakeTenant

pytestmark = pytest.mark.req("R2-6")
WORDS, _, MIXED, _, _, LETTERS = list_candidates(has_dense=False)


def tried(**reached: list[float]) -> Tried:
    """By leg; `words` are in force."""
    names = {"words": WORDS, "letters": LETTERS, "mixed": MIXED}
    count = len(reached["words"])
    return Tried(
        now=WORDS, ids=list(range(count)), reached={names[one]: values for one, values in reached.items()}
    )


def test_what_does_better_on_questions_held_out_is_chosen() -> None:
    found = choose(tried(words=[0.5] * 60, letters=[1.0, 0.5] * 30, mixed=[0.5] * 60))
    assert found is not None
    assert (found.weights, found.questions) == (LETTERS, 60)
    assert (found.mrr, found.before) == (0.75, 0.5)


def test_no_mixture_is_chosen_that_is_below_its_best_leg() -> None:
    found = choose(tried(words=[0.2] * 60, letters=[0.9] * 60, mixed=[0.8] * 60))
    assert found is not None
    assert found.weights == LETTERS


@pytest.mark.parametrize(
    ("count", "better"), [(LEAST_QUESTIONS - 1, 1.0), (200, 0.504)], ids=["few questions", "a hair better"]
)
def test_little_evidence_and_little_gain_change_nothing(count: int, better: float) -> None:
    assert choose(tried(words=[0.5] * count, letters=[better] * count)) is None


def test_chance_alone_is_hardly_ever_chosen() -> None:
    # All candidates are equally good: of 200 tenants, those whose luck passes for learning.
    chosen = 0
    for seed in range(200):
        luck = random.Random(seed)  # noqa: S311  # a repeatable story, not a secret
        trial = Tried(now=WORDS, ids=list(range(100)))
        for _ in range(100):
            trial.reached.setdefault(WORDS, []).append(luck.choice([0.0, 0.5, 1.0]))
            for one in list_candidates(has_dense=False)[1:]:
                trial.reached.setdefault(one, []).append(luck.choice([0.0, 0.5, 1.0]))
        chosen += choose(trial) is not None
    assert chosen <= 10


def test_weights_are_worth_their_place_while_they_beat_those_delivered() -> None:
    trial = tried(words=[0.6] * 60, letters=[0.5] * 60)
    assert is_worth(trial, than=LETTERS)
    assert not is_worth(trial, than=WORDS)
    assert not is_worth(replace(trial, ids=trial.ids[:10]), than=LETTERS)


# Katakana that no dictionary holds is one word: a piece of it is found by its letters alone.
_HEADS = ("ゾルタ", "ミケベ", "ヌモリ", "ペカソ", "ガヨト", "ルネヅ", "ワシホ")
_TAILS = ("クスゼイ", "ロムナデ", "キュパタ", "ジヘレオ", "ビトゥマ", "ソワケフ", "チュネゴ", "ダモエピ")
_NAMES = [head + tail for head in _HEADS for tail in _TAILS]


async def keep_questions(hr: Browser, document: int, *, more: str = "") -> int:
    set_id = await make_set(hr)
    questions = [
        {"question": f"{name[1:-1]}{more}", "expected": [{"document_id": document, "quote": f"{name}手当"}]}
        for name in _NAMES
    ]
    answer = await hr.post(f"{PATH}/sets/{set_id}/questions", {"questions": questions})
    assert answer.status_code == 201, answer.text
    return set_id


async def put_weights(database: Database, tenant: TenantId, weights: Weights, *, roles: Any = None) -> None:
    who = system_principal(tenant)
    if roles is not None:
        who = Principal(tenant_id=tenant, user_id=None, person_id=None, roles=frozenset(roles))
    async with database.transaction(who) as session:
        await session.execute(
            text(
                "INSERT INTO app.search_weights (language, terms, grams, dense, questions, mrr, mrr_before)"
                " VALUES ('ja', :terms, :grams, :dense, 60, .5, .4)"
            ),
            {"terms": weights.terms, "grams": weights.grams, "dense": weights.dense},
        )


async def weights_of(hr: Browser) -> dict[str, Any]:
    """Those of Japanese."""
    answer = await hr.get(f"{PATH}/weights")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["items"][0]
    assert found["language"] == "ja"
    return found


async def find_first(database: Database, tenant: TenantId, question: str) -> str:
    """What an employee finds first."""
    asker = Principal(tenant_id=tenant, user_id=None, person_id=None, roles=frozenset({Role.EMPLOYEE}))
    async with database.transaction(asker) as session:
        found = await find_passages(session, question, retriever=Retriever())
    return found.passages[0].body if found.passages else ""


async def test_the_nights_run_learns_and_people_are_searched_for_by_it(
    database: Database, tenant: TenantId, sign_in: SignIn, make_settings: MakeSettings
) -> None:
    # By the weights delivered, the one rule that holds the rare word stands before what the letters name.
    sections = ["海外に出る者は届け出る。", *(f"{name}手当は月に千円を支給する。" for name in _NAMES)]
    document = await shelve(database, tenant, *sections)
    hr = await sign_in(Role.HR)
    await keep_questions(hr, document, more=" 海外")
    question = f"{_NAMES[0][1:-1]} 海外"
    assert (await find_first(database, tenant, question)).startswith("海外に")
    job = job_of(database, tenant, make_settings, FIRST)
    await learn_weights(job)
    learned = await weights_of(hr)
    assert learned["grams"] > WEIGHTS["ja"].grams
    assert (learned["questions"], learned["mrr"], learned["mrr_before"]) == (len(_NAMES), 1.0, 0.5)
    assert (await find_first(database, tenant, question)).startswith(_NAMES[0])
    # The same questions teach nothing new.
    await learn_weights(job)
    assert await weights_of(hr) == learned


async def test_weights_that_do_no_better_than_those_delivered_are_dropped(
    database: Database, tenant: TenantId, sign_in: SignIn, make_settings: MakeSettings
) -> None:
    document = await shelve(database, tenant, *(f"{name}手当は月に千円を支給する。" for name in _NAMES))
    hr = await sign_in(Role.HR)
    await keep_questions(hr, document)
    await put_weights(database, tenant, WORDS)
    assert await find_first(database, tenant, _NAMES[0][1:-1]) == ""
    await learn_weights(job_of(database, tenant, make_settings, FIRST))
    assert await weights_of(hr) == as_delivered()
    assert (await find_first(database, tenant, _NAMES[0][1:-1])).startswith(_NAMES[0])


def as_delivered() -> dict[str, Any]:
    one = WEIGHTS["ja"]
    nothing = dict.fromkeys(("questions", "mrr", "mrr_before", "learned_at"))
    return {"language": "ja", "terms": one.terms, "grams": one.grams, "dense": one.dense, **nothing}


async def test_weights_for_which_no_question_speaks_are_dropped(
    database: Database, tenant: TenantId, sign_in: SignIn, make_settings: MakeSettings
) -> None:
    hr = await sign_in(Role.HR)
    await put_weights(database, tenant, WORDS)
    assert (await weights_of(hr))["questions"] == 60
    await learn_weights(job_of(database, tenant, make_settings, FIRST))
    assert await weights_of(hr) == as_delivered()


async def test_only_the_tenants_own_work_writes_weights_and_no_other_tenant_is_searched_by_them(
    database: Database, make_tenant: MakeTenant
) -> None:
    tenant, other_tenant = await make_tenant(), await make_tenant()
    with pytest.raises(ProgrammingError, match="row-level security"):
        await put_weights(database, tenant, WORDS, roles={Role.OWNER, Role.HR})
    await put_weights(database, tenant, WORDS)
    async with database.transaction(system_principal(other_tenant)) as session:
        assert (await session.scalar(text("SELECT count(*) FROM app.search_weights"))) == 0
