"""The doors of the assistant: questions as a stream, conversations, what people think of answers."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response, StreamingResponse

from hrx.app.assistant import shapes
from hrx.app.assistant.answering.conducting import Question, open_answer, stream_answer
from hrx.app.assistant.answering.events import encode_all
from hrx.app.assistant.asking_people.answering import answer_people
from hrx.app.assistant.asking_people.intents import PeopleQuestion
from hrx.app.assistant.conversations import actions, queries
from hrx.app.assistant.conversations.models import KeptAnswer
from hrx.app.assistant.evaluation.actions.keeping import propose_question
from hrx.app.assistant.parts import assistant_of
from hrx.app.assistant.retrieval.vectors import know_vector
from hrx.app.people.employees.inputs import Day
from hrx.app.platform import audit
from hrx.app.platform.edge import (
    CursorParam,
    EdgeParts,
    Id,
    LimitParam,
    Reply,
    Transaction,
    require,
    signed_in,
)
from hrx.app.platform.tenancy import Role
from hrx.kit import clock

router = APIRouter(prefix="/assistant", tags=["assistant"])
_LISTING: Final = "assistant.conversations"
_ANSWERS: Final = "assistant.answers"
#: Each answer about people of a page is asked again while its reader waits.
_MOST_ANSWERS: Final = 50


@router.post(
    "/questions",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "meta, citation, delta, sentence, "
               "people, usage, interrupted, problem, done"}},
)  # fmt: skip
async def ask_question(body: shapes.QuestionAsked, request: Request) -> StreamingResponse:
    """An answer with its evidence, as server-sent events; citations come before any model is asked."""
    question = Question(
        text=body.question, conversation_id=body.conversation_id, on=body.on, began_s=clock.monotonic_s()
    )
    assistant = assistant_of(request)
    # Before any transaction: a model elsewhere may be asked.
    retriever = await know_vector(
        assistant.retriever,
        body.question,
        open_as_asker=lambda: signed_in(request),
        gateway=assistant.gateway,
        within_s=assistant.question_vector_within_s,
    )
    assistant = replace(assistant, retriever=retriever)
    # A transaction of its own, over before the stream begins: a stream must not hold a connection.
    async with signed_in(request) as session:
        opened = await open_answer(session, question, assistant=assistant)
    events = stream_answer(opened, reopen=lambda: signed_in(request), assistant=assistant)
    return StreamingResponse(
        encode_all(events, language=opened.principal.locale),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


@router.get("/conversations", response_model=shapes.Conversations)
async def list_conversations(
    session: Transaction, parts: EdgeParts, cursor: CursorParam = None, limit: LimitParam = 50
) -> Response:
    """One's own, the newest first."""
    before = parts.cursors.read(cursor, listing=_LISTING)[0] if cursor else None
    found = await queries.list_conversations(
        session, before=before if isinstance(before, int) else None, limit=limit + 1
    )
    shown = found[:limit]
    has_more = len(found) > limit
    next_cursor = parts.cursors.sign(listing=_LISTING, after=[shown[-1].id]) if has_more else None
    return Reply({"items": [asdict(one) for one in shown], "next_cursor": next_cursor})


@router.get("/conversations/{conversation_id}", response_model=shapes.Conversation)
async def get_conversation(
    conversation_id: Id,
    session: Transaction,
    parts: EdgeParts,
    cursor: CursorParam = None,
    limit: Annotated[int, Query(ge=1, le=_MOST_ANSWERS, description="Answers of one page.")] = 20,
) -> Response:
    """What was asked and answered last, as far as it may be seen today; the next page is what came before."""
    before = parts.cursors.read(cursor, listing=_ANSWERS)[0] if cursor else None
    found = await queries.list_answers(
        session, conversation_id, before=before if isinstance(before, int) else None, limit=limit + 1
    )
    shown = found[-limit:]
    has_more = len(found) > limit
    return Reply(
        {
            "id": conversation_id,
            "answers": [await _shown(session, one) for one in shown],
            "next_cursor": parts.cursors.sign(listing=_ANSWERS, after=[shown[0].id]) if has_more else None,
        }
    )


@router.delete("/conversations/{conversation_id}", status_code=204)
async def delete_conversation(conversation_id: Id, session: Transaction) -> Response:
    """It is gone at once, with its answers."""
    await actions.delete_conversation(session, conversation_id)
    return Response(status_code=204)


@router.post("/answers/{answer_id}/feedback", status_code=204)
async def judge_answer(
    answer_id: Id, body: shapes.Feedback, session: Transaction, request: Request
) -> Response:
    """Whether an answer helped; said again, the last word counts."""
    judged = await actions.judge_answer(session, answer_id, verdict=body.verdict, reason=body.reason)
    if body.share:
        await propose_question(
            session, question=judged.question, verdict=body.verdict, document_ids=judged.document_ids
        )
    assistant_of(request).figures.feedback.labels(body.verdict).inc()
    return Response(status_code=204)


@router.get("/counts", response_model=shapes.AnswerCounts, dependencies=[require(Role.OWNER, Role.AUDITOR)])
async def count_answers(
    session: Transaction,
    since: Annotated[Day, Query(description="First day, in UTC.")],
    until: Annotated[Day, Query(description="Last day, in UTC.")],
) -> Response:
    """How many answers of each kind, and what people thought of them; never what was asked."""
    return Reply({"items": await queries.count_answers(session, since=since, until=until)})


@router.get("/retention", response_model=shapes.Retention)
async def get_retention(session: Transaction) -> Response:
    """How long conversations are kept."""
    return Reply({"days": await queries.get_retention_days(session)})


@router.put("/retention", response_model=shapes.Retention, dependencies=[require(Role.OWNER)])
async def set_retention(body: shapes.Retention, session: Transaction) -> Response:
    """Keep conversations for so many days after the last question; older ones go within the hour."""
    await actions.set_retention_days(session, body.days)
    await audit.record(session, action="assistant.retention_changed", details={"days": body.days})
    return Reply({"days": body.days})


async def _shown(session: AsyncSession, answer: KeptAnswer) -> dict[str, object]:
    """An answer about people is asked again: it was never kept, and rights and records have moved on."""
    told = asdict(answer)
    intent = told.pop("intent")
    told["people"] = None
    if intent is not None:
        question = PeopleQuestion.model_validate({"on": answer.asked_on, **intent})
        found = await answer_people(session, question, today=answer.asked_on, language=answer.language)
        told |= {
            "people": found.as_dict(),
            "sentences": [asdict(one) for one in found.said],
            "citations": [asdict(one) for one in found.citations],
        }
    for one in told["sentences"]:
        del one["document_ids"]
    return told
