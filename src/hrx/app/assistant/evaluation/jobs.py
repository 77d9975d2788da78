"""The night's run, the one when a release is new, and the one that HR asks for."""

from __future__ import annotations

import logging
from typing import Final

from prometheus_client import CollectorRegistry

from hrx.app.assistant.evaluation.actions import running
from hrx.app.assistant.evaluation.asking import ask_question
from hrx.app.assistant.evaluation.models import AskedQuestion, Cause, Outcome
from hrx.app.assistant.evaluation.queries import find_asker, list_unasked
from hrx.app.assistant.parts import AssistantParts, build_assistant, without_model
from hrx.app.platform import jobs
from hrx.app.platform.ai_figures import AiFigures
from hrx.app.platform.jobs import JobContext
from hrx.app.platform.tenancy import Principal

_logger = logging.getLogger("hrx.assistant")
TIMEOUT_S: Final = 7_200.0
#: Questions fetched at once.
_BATCH: Final = 50


# 02:30 in Japan, while nobody asks.
@jobs.every_tenant("assistant.evaluate", cron="30 17 * * *", timeout_s=TIMEOUT_S)
async def evaluate_nightly(job: JobContext) -> None:
    """Ask the tenant's questions and keep how well they were answered."""
    await evaluate(job, cause="nightly")


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
