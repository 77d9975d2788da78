"""Doors of evaluation: question sets, questions that people shared, runs and what went wrong in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, UploadFile
from starlette.responses import Response

from hrx.app.assistant.evaluation import importing, queries, shapes
from hrx.app.assistant.evaluation.actions import keeping
from hrx.app.assistant.evaluation.jobs import evaluate_now
from hrx.app.assistant.evaluation.models import Expectation, NewQuestion
from hrx.app.assistant.parts import assistant_of
from hrx.app.assistant.retrieval.learned import list_learned
from hrx.app.platform.edge import Id, Reply, Transaction, require
from hrx.app.platform.jobs import enqueue
from hrx.app.platform.search_index import find_live
from hrx.app.platform.tenancy import Role
from hrx.kit.errors import LANGUAGES
from hrx.kit.search.analysis import guess_language

router = APIRouter(prefix="/assistant/evaluation", tags=["assistant"])
_READERS: Final = require(Role.OWNER, Role.HR, Role.AUDITOR)
_KEEPERS: Final = require(Role.OWNER, Role.HR)


@router.get("/sets", response_model=shapes.QuestionSets, dependencies=[_READERS])
async def list_question_sets(session: Transaction) -> Response:
    """By name, each with what came of it in the newest run that is done."""
    results = await queries.list_set_results(session)
    items = []
    for one in await queries.list_sets(session):
        last = results.get(one["id"])
        items.append({**one, "last": None if last is None else asdict(last)})
    return Reply({"items": items})


@router.post("/sets", response_model=shapes.QuestionSet, status_code=201, dependencies=[_KEEPERS])
async def make_question_set(body: shapes.SetGiven, session: Transaction) -> Response:
    """An empty set; its questions are asked with the rights of `asker_user_id`, or of whoever makes it."""
    set_id = await keeping.make_set(
        session, name=body.name, asker_user_id=body.asker_user_id, asks_model=body.asks_model
    )
    return Reply(await queries.get_set(session, set_id), status_code=201)


@router.patch("/sets/{set_id}", response_model=shapes.QuestionSet, dependencies=[_KEEPERS])
async def change_question_set(set_id: Id, body: shapes.SetChange, session: Transaction) -> Response:
    """What is sent changes; a set that is not active is not asked."""
    await keeping.change_set(session, set_id, **body.model_dump())
    return Reply(await queries.get_set(session, set_id))


@router.delete("/sets/{set_id}", status_code=204, dependencies=[_KEEPERS])
async def delete_question_set(set_id: Id, session: Transaction) -> Response:
    """With its questions and what came of them."""
    await keeping.delete_set(session, set_id)
    return Response(status_code=204)


@router.get("/sets/{set_id}/questions", response_model=shapes.EvaluationQuestions, dependencies=[_READERS])
async def list_set_questions(
    set_id: Id, session: Transaction, after: Annotated[int, Query(ge=0, le=2**53)] = 0
) -> Response:
    """Two hundred at a time, in the order in which they were added."""
    await queries.get_set(session, set_id)
    return await _page(session, set_id=set_id, after=after)


@router.post(
    "/sets/{set_id}/questions", response_model=shapes.Added, status_code=201, dependencies=[_KEEPERS]
)
async def add_set_questions(set_id: Id, body: shapes.QuestionsGiven, session: Transaction) -> Response:
    """All of them or none; a question that stands there already gets what it expects anew."""
    given = [_new_question(one) for one in body.questions]
    added = await keeping.add_questions(session, set_id, given, source="written")
    return Reply({"questions": added}, status_code=201)


@router.post("/sets/{set_id}/import", response_model=shapes.Added, status_code=201, dependencies=[_KEEPERS])
async def import_questions(set_id: Id, file: UploadFile, session: Transaction) -> Response:
    """A JSON or CSV file, all of it or nothing: question, language, expects, document, quote.

    `document` is a title or a number."""
    read = importing.read_file(await file.read(importing.LIMIT_BYTES + 1))
    titles, ids = importing.list_names(read)
    documents = await queries.list_documents(session, titles=titles, ids=ids)
    questions = importing.resolve(read, documents)
    added = await keeping.add_questions(session, set_id, questions, source="imported")
    return Reply({"questions": added}, status_code=201)


@router.get("/shared", response_model=shapes.EvaluationQuestions, dependencies=[_READERS])
async def list_shared_questions(
    session: Transaction, after: Annotated[int, Query(ge=0, le=2**53)] = 0
) -> Response:
    """Questions that people shared with what they thought of the answer, until they are taken over."""
    return await _page(session, set_id=None, after=after)


@router.post("/questions/{question_id}/accept", status_code=204, dependencies=[_KEEPERS])
async def accept_shared_question(
    question_id: Id, body: shapes.QuestionAccepted, session: Transaction
) -> Response:
    """Take a shared question over into a set, with what it is to find."""
    await keeping.accept_question(
        session,
        question_id,
        set_id=body.set_id,
        expects=body.expects,
        expected=_expected(body.expected),
    )
    return Response(status_code=204)


@router.put("/questions/{question_id}", response_model=shapes.EvaluationQuestion, dependencies=[_KEEPERS])
async def change_question(question_id: Id, body: shapes.QuestionGiven, session: Transaction) -> Response:
    """What a question of a set says and is to find. In other words it is another question, with an id of its
    own, that nothing came of yet."""
    changed = await keeping.change_question(session, question_id, _new_question(body))
    return Reply(await queries.get_question(session, changed))


@router.delete("/questions/{question_id}", status_code=204, dependencies=[_KEEPERS])
async def delete_question(question_id: Id, session: Transaction) -> Response:
    """Out of its set, or out of those that were shared."""
    await keeping.delete_question(session, question_id)
    return Response(status_code=204)


@router.get("/runs", response_model=shapes.EvaluationRuns, dependencies=[_READERS])
async def list_evaluation_runs(
    session: Transaction, limit: Annotated[int, Query(ge=1, le=100)] = 30
) -> Response:
    """The newest first, with their figures."""
    return Reply({"items": [asdict(one) for one in await queries.list_runs(session, limit=limit)]})


@router.post("/runs", status_code=202, response_class=Response, dependencies=[_KEEPERS])
async def start_evaluation_run(session: Transaction) -> Response:
    """Ask all questions now; one run at a time."""
    await enqueue(session, evaluate_now, only_once=evaluate_now.name, cause="asked")
    return Response(status_code=202)


@router.get("/weights", response_model=shapes.SearchWeightsOfLanguages, dependencies=[_READERS])
async def list_search_weights(session: Transaction, request: Request) -> Response:
    """What questions are searched by now: as delivered, or as the nightly runs learned."""
    live = await find_live(session)
    dense = live.dense if live is not None else None
    learned = {row["language"]: row for row in await list_learned(session, dense=dense)}
    retriever = assistant_of(request).retriever
    delivered = [
        shapes.SearchWeights(language=language, **asdict(retriever.weigh(language, dense=dense)))
        for language in LANGUAGES
    ]
    items = [learned.get(one.language, one.model_dump()) for one in delivered]
    return Reply({"items": items})


@router.get("/runs/{run_id}/worst", response_model=shapes.WorstQuestions, dependencies=[_READERS])
async def list_worst_questions(run_id: Id, session: Transaction) -> Response:
    """What did not go well, the worst first: what was expected and what came."""
    run = await queries.get_run(session, run_id)
    return Reply({"run": asdict(run), "items": await queries.list_worst(session, run_id)})


async def _page(session: Transaction, *, set_id: int | None, after: int) -> Response:
    found = await queries.list_questions(
        session, set_id=set_id, after=after or None, limit=queries.MOST_SHOWN + 1
    )
    shown = found[: queries.MOST_SHOWN]
    next_after = shown[-1]["id"] if len(found) > len(shown) else None
    return Reply({"items": shown, "next_after": next_after})


def _new_question(given: shapes.QuestionGiven) -> NewQuestion:
    return NewQuestion(
        question=given.question,
        language=given.language or guess_language(given.question),
        expects=given.expects,
        expected=_expected(given.expected),
    )


def _expected(given: Sequence[shapes.ExpectedGiven]) -> tuple[Expectation, ...]:
    return tuple(Expectation(document_id=one.document_id, quote=one.quote) for one in given)
