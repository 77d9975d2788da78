"""Reading conversations: policies leave out what its user may not see any more, digests what has changed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.conversations.models import Citation, ConversationLine, KeptAnswer, Mode, Said
from hrx.app.platform.db import fetch_dicts
from hrx.kit.errors import NotFound, Text

#: `Any`: columns differ in type.
Row = dict[str, Any]

# Index: conversation_of_user. First question: answer_of_conversation.
_LIST: Final = """
SELECT c.id, c.created_at, c.last_asked_at, first.question, counted.answers
FROM app.conversation AS c
CROSS JOIN LATERAL (SELECT a.question FROM app.answer AS a
                    WHERE a.conversation_id = c.id ORDER BY a.id LIMIT 1) AS first
CROSS JOIN LATERAL (SELECT count(*) AS answers FROM app.answer AS a WHERE a.conversation_id = c.id) AS counted
WHERE c.user_id = app.current_user_id() AND (CAST(:before AS bigint) IS NULL OR c.id < :before)
ORDER BY c.id DESC
LIMIT :limit
"""
_OWN: Final = """
SELECT c.id FROM app.conversation AS c WHERE c.id = :id AND c.user_id = app.current_user_id()
"""
# Index: answer_of_conversation.
_ANSWERS: Final = """
SELECT a.id, a.question, a.language, a.asked_on, a.asked_at, a.mode, a.state, a.reason, a.searched_documents,
       a.citations, a.intent, a.verdict
FROM app.answer AS a
WHERE a.conversation_id = :id AND (CAST(:before AS bigint) IS NULL OR a.id < :before)
ORDER BY a.id DESC
LIMIT :limit
"""
# Gaps among the ordinals are sentences that a policy leaves out.
_SENTENCES: Final = """
SELECT s.answer_id, s.ordinal, s.body, s.citations, s.is_supported
FROM app.answer_sentence AS s
WHERE s.answer_id = ANY(CAST(:ids AS bigint[]))
ORDER BY s.answer_id, s.ordinal
"""
_CITATIONS: Final = """
SELECT c.answer_id, c.number, c.document_id, c.version_id, d.title, c.headings, c.page, c.start_char,
       c.end_char, c.body_sha256, c.quote_start, c.quote_end, c.quote_sha256,
       lower(v.effective) AS effective_from, upper(v.effective) AS effective_to,
       substr(t.body, c.start_char + 1, c.end_char - c.start_char) AS passage
FROM app.answer_citation AS c
JOIN app.document AS d ON d.id = c.document_id
JOIN app.document_version AS v ON v.id = c.version_id
JOIN app.document_text AS t ON t.version_id = c.version_id
WHERE c.answer_id = ANY(CAST(:ids AS bigint[]))
ORDER BY c.answer_id, c.number
"""
_BEFORE: Final = """
SELECT a.id, a.question FROM app.answer AS a WHERE a.conversation_id = :id ORDER BY a.id DESC LIMIT :limit
"""
_COUNTS: Final = """
SELECT f.mode, f.answers, f.interrupted, f.up, f.down
FROM app.count_answers(CAST(:since AS date), CAST(:until AS date)) AS f
ORDER BY f.mode
"""
# A place in a text, as it stands now and as far as the asker may see it now.
_PASSAGES: Final = """
SELECT wanted.place, substr(t.body, wanted.start_char + 1, wanted.end_char - wanted.start_char) AS body
FROM unnest(CAST(:versions AS bigint[]), CAST(:starts AS integer[]), CAST(:ends AS integer[]))
     WITH ORDINALITY AS wanted (version_id, start_char, end_char, place)
JOIN app.document_version AS v ON v.id = wanted.version_id AND v.state IN ('ready', 'replaced')
JOIN app.document_text AS t ON t.version_id = v.id
JOIN app.document AS d ON d.id = v.document_id AND d.deleted_at IS NULL
"""


class ConversationNotFound(NotFound):
    """There is none, or it is somebody else's."""

    code = "conversation.not_found"


def _not_found() -> ConversationNotFound:
    return ConversationNotFound(Text(ja="この会話は見つかりません。", en="This conversation was not found."))


async def list_conversations(
    session: AsyncSession, *, before: int | None, limit: int
) -> list[ConversationLine]:
    """The newest first."""
    rows = await fetch_dicts(session, _LIST, {"before": before, "limit": limit})
    return [ConversationLine(**row) for row in rows]


async def check_own(session: AsyncSession, conversation_id: int) -> None:
    """Raises ConversationNotFound unless it is the principal's own."""
    if not await fetch_dicts(session, _OWN, {"id": conversation_id}):
        raise _not_found()


async def list_earlier(session: AsyncSession, conversation_id: int, *, limit: int) -> list[tuple[int, str]]:
    """Ids and questions of the last answers, the newest first."""
    rows = await fetch_dicts(session, _BEFORE, {"id": conversation_id, "limit": limit})
    return [(row["id"], row["question"]) for row in rows]


async def list_answers(
    session: AsyncSession, conversation_id: int, *, before: int | None, limit: int
) -> list[KeptAnswer]:
    """Of its answers before one, or of all, the last ones in their order, as far as they may be seen today.
    Raises ConversationNotFound."""
    await check_own(session, conversation_id)
    rows = await fetch_dicts(session, _ANSWERS, {"id": conversation_id, "before": before, "limit": limit})
    ids = [row["id"] for row in rows]
    sentences = await list_sentences(session, ids)
    citations = _by_answer(await fetch_dicts(session, _CITATIONS, {"ids": ids}))
    return [_kept(row, sentences[row["id"]], citations[row["id"]]) for row in reversed(rows)]


async def list_sentences(session: AsyncSession, answer_ids: Sequence[int]) -> Mapping[int, list[Row]]:
    """By answer, those that may be seen today."""
    return _by_answer(await fetch_dicts(session, _SENTENCES, {"ids": list(answer_ids)}))


async def count_answers(session: AsyncSession, *, since: object, until: object) -> list[Row]:
    """How many answers of each mode, for owners and auditors; nobody else is told a row."""
    return await fetch_dicts(session, _COUNTS, {"since": since, "until": until})


async def list_unchanged(session: AsyncSession, citations: Sequence[Citation]) -> set[int]:
    """Numbers of the citations whose passage and quote stand in the database as they were cited."""
    bodies = await read_passages(session, citations)
    return {one.number for one in citations if one.number in bodies and _is_as_cited(bodies[one.number], one)}


async def read_passages(session: AsyncSession, citations: Sequence[Citation]) -> dict[int, str]:
    """By the numbers of citations, what stands at their places now, as far as the asker may see it now."""
    parameters = {
        "versions": [one.version_id for one in citations],
        "starts": [one.start_char for one in citations],
        "ends": [one.end_char for one in citations],
    }
    rows = await fetch_dicts(session, _PASSAGES, parameters)
    return {citations[row["place"] - 1].number: row["body"] for row in rows}


def _is_as_cited(body: str, citation: Citation) -> bool:
    first = citation.quote_start - citation.start_char
    quote = body[first : first + citation.quote_end - citation.quote_start]
    return digest(body) == citation.body_sha256 and quote == citation.quote


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _by_answer(rows: Sequence[Row]) -> Mapping[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["answer_id"]].append(row)
    return found


def _kept(row: Row, sentences: Sequence[Row], citations: Sequence[Row]) -> KeptAnswer:
    shown = tuple(one for one in map(_shown, citations) if one is not None)
    missing = row.pop("citations") - len(shown)
    last = sentences[-1]["ordinal"] + 1 if sentences else 0
    return KeptAnswer(
        **{**row, "mode": Mode(row["mode"])},
        sentences=tuple(
            Said(text=one["body"], citations=tuple(one["citations"]), is_supported=one["is_supported"])
            for one in sentences
        ),
        citations=shown,
        hidden=max(missing, last - len(sentences)),
    )


def _shown(row: Row) -> Citation | None:
    """The citation with its quote read anew; None when what stands there is not what was cited."""
    passage, quote_sha256 = row.pop("passage"), row.pop("quote_sha256")
    del row["answer_id"]
    first = row["quote_start"] - row["start_char"]
    quote = passage[first : first + row["quote_end"] - row["quote_start"]]
    if digest(passage) != row["body_sha256"] or digest(quote) != quote_sha256:
        return None
    return Citation(**{**row, "headings": tuple(row["headings"])}, quote=quote)


async def get_retention_days(session: AsyncSession) -> int:
    """Days after the last question for which the tenant keeps conversations; 90 unless told."""
    rows = await fetch_dicts(session, "SELECT p.keeps_conversations_days AS days FROM app.ai_policy AS p", {})
    return int(rows[0]["days"]) if rows else 90
