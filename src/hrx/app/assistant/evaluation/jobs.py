"""The night's run, the one when a release is new, and the one that HR asks for."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.evaluation.actions import learning, running
from hrx.app.assistant.evaluation.asking import ask_question
from hrx.app.assistant.evaluation.models import AskedQuestion, Cause, Outcome
from hrx.app.assistant.evaluation.queries import find_asker, list_unasked
from hrx.app.assistant.evaluation.weighing import Tried, choose, is_worth, list_candidates
from hrx.app.assistant.parts import AssistantParts, build_assistant, without_model
from hrx.app.assistant.retrieval.learned import read_learned
from hrx.app.assistant.retrieval.retriever import Weights
from hrx.app.assistant.retrieval.vectors import know_vector
from hrx.app.platform import jobs
from hrx.app.platform.ai_figures import AiFigures
from hrx.app.platform.jobs import JobContext
from hrx.app.platform.search_index import find_live
from hrx.app.platform.tenancy import Principal
from hrx.kit.errors import Expected
from hrx.kit.search.analysis import guess_language

_logger = logging.getLogger("hrx.assistant")
TIMEOUT_S: Final = 7_200.0
#: Questions fetched at once.
_BATCH: Final = 50
#: Questions of a language whose weights are tried: each is searched for up to 23 times.
MOST_LEARNED_FROM: Final = 300


# 02:30 in Japan, while nobody asks.
@jobs.every_tenant("assistant.evaluate", cron="30 17 * * *", timeout_s=TIMEOUT_S)
async def evaluate_nightly(job: JobContext) -> None:
    """Ask the tenant's questions and keep how well they were answered; then learn from them."""
    await evaluate(job, cause="nightly")
    await learn_weights(job)


@jobs.task("assistant.evaluate_now", timeout_s=TIMEOUT_S)
async def evaluate_now(job: JobContext, *, cause: Cause) -> None:
    """The same by day: because somebody asked for it, or because a release is new."""
    await evaluate(job, cause=cause)


async def evaluate(job: JobContext, *, cause: Cause) -> None:
    """One run of a tenant, from where it stands; nothing where there is nothing to ask."""
    async with job.transaction() as session:
        run_id = await running.begin_run(session, cause=cause, commit=job.settings.commit or "")
    if run_id is None:
        return
    # Figures of its own: what is asked at night is no person's question, and no person's cache or breaker.
    registry = CollectorRegistry()
    assistant = build_assistant(
        job.settings, database=job.database, ai=AiFigures(registry), registry=registry
    )
    try:
        await _ask_all(job, run_id, assistant)
    finally:
        await assistant.gateway.close()
    async with job.transaction() as session:
        figures = await running.finish_run(session, run_id)
    told = {f"{one.language}_{one.measure}": round(one.value, 4) for one in figures}
    _logger.info("Evaluated", extra={"fields": {"run": run_id, "cause": cause, **told}})


async def learn_weights(job: JobContext) -> None:
    """Weigh the legs of finding anew where the tenant's questions say so beyond chance.

    Weights that are no better than those delivered any more, or that no question speaks for, are dropped."""
    registry = CollectorRegistry()
    assistant = build_assistant(
        job.settings, database=job.database, ai=AiFigures(registry), registry=registry
    )
    try:
        await _learn_weights(job, assistant)
    finally:
        await assistant.gateway.close()


async def _learn_weights(job: JobContext, assistant: AssistantParts) -> None:
    retriever = assistant.retriever
    async with job.transaction() as session:
        live = await find_live(session)
        dense = live.dense if live is not None else None
        learned = await read_learned(session, dense=dense)
    delivered = {language: retriever.weigh(language, dense=dense) for language in retriever.weights}
    tried = {language: Tried(now=learned.get(language, one)) for language, one in delivered.items()}
    read = retriever.languages_of(dense)
    async for question, asker in _each_question(job):
        language = guess_language(question.question)
        trial = tried[language]
        if len(trial.ids) < MOST_LEARNED_FROM:
            # Those delivered first: of equals the first is chosen.
            candidates = [delivered[language], *list_candidates(has_dense=language in read)]
            await _try(job, question, trial, candidates, asker=asker, assistant=assistant)
    for language, trial in tried.items():
        choice = choose(trial)
        async with job.transaction() as session:
            if choice is not None and choice.weights != delivered[language]:
                await learning.keep_weights(session, language, choice, encoder=dense)
            elif language in learned and (
                choice is not None or not is_worth(trial, than=delivered[language])
            ):
                await learning.forget_weights(session, language)


async def _each_question(job: JobContext) -> AsyncIterator[tuple[AskedQuestion, Principal]]:
    """Those in force that expect a passage, with who asks."""
    after = 0
    while True:
        async with job.transaction() as session:
            # No run has this number: all of them.
            questions = await list_unasked(session, 0, after=after, limit=_BATCH)
            askers = {
                user_id: await find_asker(session, user_id, tenant_id=job.principal.tenant_id)
                for user_id in {one.asker_user_id for one in questions}
            }
        if not questions:
            return
        for one in questions:
            asker = askers[one.asker_user_id]
            if asker is not None and one.expected:
                yield one, asker
        after = questions[-1].id


async def _try(
    job: JobContext,
    question: AskedQuestion,
    trial: Tried,
    candidates: Sequence[Weights],
    *,
    asker: Principal,
    assistant: AssistantParts,
) -> None:
    def open_as_asker() -> AbstractAsyncContextManager[AsyncSession]:
        return job.database.transaction(asker)

    retriever = await know_vector(
        assistant.retriever,
        question.question,
        open_as_asker=open_as_asker,
        gateway=assistant.gateway,
        within_s=job.settings.llm_question_vector_timeout_s,
        is_weighed=False,
    )
    try:
        reached = await learning.try_weights(
            question,
            list(dict.fromkeys([*candidates, trial.now])),
            open_as_asker=open_as_asker,
            retriever=retriever,
        )
    except Expected:
        # The run has just told why it cannot be asked.
        return
    trial.add(question.id, reached)


async def _ask_all(job: JobContext, run_id: int, assistant: AssistantParts) -> None:
    after = 0
    while True:
        async with job.transaction() as session:
            questions = await list_unasked(session, run_id, after=after, limit=_BATCH)
            askers = {
                user_id: await find_asker(session, user_id, tenant_id=job.principal.tenant_id)
                for user_id in {one.asker_user_id for one in questions}
            }
        if not questions:
            return
        for one in questions:
            outcome = await _ask(job, one, asker=askers[one.asker_user_id], assistant=assistant)
            async with job.transaction() as session:
                await running.keep_outcome(session, run_id, outcome)
        after = questions[-1].id


async def _ask(
    job: JobContext, question: AskedQuestion, *, asker: Principal | None, assistant: AssistantParts
) -> Outcome:
    problem = ""
    if asker is None:
        problem = "evaluation.asker_inactive"
    elif question.expects == "found" and not question.expected:
        # Its documents are gone: whoever keeps the set is told, and the figures are not.
        problem = "evaluation.nothing_expected"
    if asker is None or problem:
        return Outcome(
            question_id=question.id,
            language=question.language,
            expects=question.expects,
            mode="failed",
            problem=problem,
        )
    return await ask_question(
        question,
        by=asker,
        open_as_asker=lambda: job.database.transaction(asker),
        assistant=assistant if question.asks_model else without_model(assistant),
    )
