"""Writing conversations: an answer is there from its first word on, and done when it is whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.conversations.models import (
    Citation,
    ForgottenQuotes,
    JudgedAnswer,
    Mode,
    NewAnswer,
    Said,
)
from hrx.app.assistant.conversations.queries import ConversationNotFound, check_own, digest
from hrx.app.platform.db import fetch_dicts, send
from hrx.kit import log
from hrx.kit.errors import NotFound, Text

_BEGIN: Final = "INSERT INTO app.conversation DEFAULT VALUES RETURNING id"
_TOUCH: Final = "UPDATE app.conversation SET last_asked_at = now() WHERE id = :id"
_ANSWER: Final = """
INSERT INTO app.answer (conversation_id, question, language, asked_on, mode, reason, searched_documents,
                        citations, correlation_id, intent)
VALUES (:conversation_id, :question, :language, :asked_on, :mode, :reason, :searched_documents, :citations,
        :correlation_id, CAST(:intent AS jsonb))
RETURNING id
"""
_CITATION: Final = """
INSERT INTO app.answer_citation (answer_id, number, document_id, version_id, start_char, end_char,
                                 body_sha256, quote_start, quote_end, quote_sha256, headings, page)
VALUES (:answer_id, :number, :document_id, :version_id, :start_char, :end_char, :body_sha256, :quote_start,
        :quote_end, :quote_sha256, :headings, :page)
"""
_SENTENCE: Final = """
INSERT INTO app.answer_sentence (answer_id, ordinal, body, citations, is_supported, document_ids)
VALUES (:answer_id, :ordinal, :body, :citations, :is_supported, :document_ids)
"""
_DONE: Final = """
UPDATE app.answer SET state = 'done', mode = :mode, reason = :reason, prompt_version = :prompt_version
WHERE id = :id AND state = 'interrupted'
RETURNING id
"""
_VERDICT: Final = """
UPDATE app.answer SET verdict = :verdict, verdict_reason = :reason, verdict_at = now()
WHERE id = :id AND conversation_id IN (SELECT c.id FROM app.conversation AS c
                                       WHERE c.user_id = app.current_user_id())
RETURNING question, (SELECT coalesce(array_agg(DISTINCT c.document_id), '{}') FROM app.answer_citation AS c
                     WHERE c.answer_id = answer.id) AS document_ids
"""
_DELETE: Final = (
    "DELETE FROM app.conversation WHERE id = :id AND user_id = app.current_user_id() RETURNING id"
)
# Indexes: conversation_oldest; everything below a conversation goes with it.
_CLEAR: Final = """
DELETE FROM app.conversation
WHERE id IN (
  SELECT c.id FROM app.conversation AS c
  WHERE c.last_asked_at < now() - make_interval(
    days => coalesce((SELECT p.keeps_conversations_days FROM app.ai_policy AS p), 90))
  ORDER BY c.last_asked_at
  LIMIT :batch
)
RETURNING id
"""
CLEARING_BATCH: Final = 500
# What deletes documents forgets their quotes itself (migration 0017); this finds what came in past it.
_FORGET: Final = """
SELECT f.last_id, f.forgotten FROM app.forget_lost_quotes(:after_id, :batch) AS f
"""
FORGETTING_BATCH: Final = 2_000


class AnswerNotFound(NotFound):
    """There is none, or it is somebody else's."""

    code = "answer.not_found"


async def begin_answer(
    session: AsyncSession, new: NewAnswer, *, conversation_id: int | None
) -> tuple[int, int]:
    """The conversation's and the answer's ids. Raises ConversationNotFound."""
    if conversation_id is None:
        (row,) = await fetch_dicts(session, _BEGIN, {})
        conversation_id = int(row["id"])
    else:
        await check_own(session, conversation_id)
        await send(session, _TOUCH, {"id": conversation_id})
    (row,) = await fetch_dicts(
        session,
        _ANSWER,
        {
            "conversation_id": conversation_id,
            "question": new.question,
            "language": new.language,
            "asked_on": new.asked_on,
            "mode": new.mode.value,
            "reason": new.reason,
            "searched_documents": new.searched_documents,
            "citations": len(new.citations),
            "correlation_id": log.correlation_id.get() or "",
            "intent": None if new.intent is None else orjson.dumps(new.intent).decode(),
        },
    )
    answer_id = int(row["id"])
    await _write_citations(session, answer_id, new.citations)
    return conversation_id, answer_id


async def _write_citations(session: AsyncSession, answer_id: int, citations: Sequence[Citation]) -> None:
    if not citations:
        return
    rows = [
        {
            "answer_id": answer_id,
            "number": one.number,
            "document_id": one.document_id,
            "version_id": one.version_id,
            "start_char": one.start_char,
            "end_char": one.end_char,
            "body_sha256": one.body_sha256,
            "quote_start": one.quote_start,
            "quote_end": one.quote_end,
            "quote_sha256": digest(one.quote),
            "headings": list(one.headings),
            "page": one.page,
        }
        for one in citations
    ]
    await session.execute(text(_CITATION), rows)


async def finish_answer(
    session: AsyncSession,
    answer_id: int,
    sentences: Sequence[Said],
    *,
    mode: Mode,
    reason: str = "",
    prompt_version: str = "",
) -> None:
    """Write the sentences and that it is whole; once, and nothing when its user deleted it meanwhile."""
    parameters = {"id": answer_id, "mode": mode.value, "reason": reason, "prompt_version": prompt_version}
    if not await fetch_dicts(session, _DONE, parameters) or not sentences:
        return
    rows = [
        {
            "answer_id": answer_id,
            "ordinal": ordinal,
            "body": one.text,
            "citations": list(one.citations),
            "is_supported": one.is_supported,
            "document_ids": list(one.document_ids),
        }
        for ordinal, one in enumerate(sentences)
    ]
    await session.execute(text(_SENTENCE), rows)


async def judge_answer(
    session: AsyncSession, answer_id: int, *, verdict: str, reason: str | None
) -> JudgedAnswer:
    """Keep what its user thinks of an answer; the last word counts. Raises AnswerNotFound."""
    rows = await fetch_dicts(session, _VERDICT, {"id": answer_id, "verdict": verdict, "reason": reason})
    if not rows:
        raise AnswerNotFound(Text(ja="この回答は見つかりません。", en="This answer was not found."))
    return JudgedAnswer(question=rows[0]["question"], document_ids=tuple(rows[0]["document_ids"]))


async def delete_conversation(session: AsyncSession, conversation_id: int) -> None:
    """Everything of it is gone when this commits. Raises ConversationNotFound."""
    if not await fetch_dicts(session, _DELETE, {"id": conversation_id}):
        raise ConversationNotFound(
            Text(ja="この会話は見つかりません。", en="This conversation was not found.")
        )


async def clear_conversations(session: AsyncSession) -> int:
    """Delete up to a batch of conversations that nobody asked in for longer than the tenant keeps them."""
    return len(await fetch_dicts(session, _CLEAR, {"batch": CLEARING_BATCH}))


async def forget_lost_quotes(session: AsyncSession, *, after_id: int, batch: int) -> ForgottenQuotes | None:
    """Delete what the next answers after one still say of documents that are gone; None when there are no
    answers left. Background work of the tenant; harmless to repeat."""
    found = await fetch_dicts(session, _FORGET, {"after_id": after_id, "batch": batch})
    return ForgottenQuotes(**found[0]) if found else None


_RETENTION: Final = """
INSERT INTO app.ai_policy (keeps_conversations_days) VALUES (:days)
ON CONFLICT (tenant_id) DO UPDATE SET keeps_conversations_days = excluded.keeps_conversations_days
"""


async def set_retention_days(session: AsyncSession, days: int) -> None:
    """Keep conversations for so many days after the last question; owners only, says the database too."""
    await send(session, _RETENTION, {"days": days})
