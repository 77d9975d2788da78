"""Question sets as HR keeps them: made, filled, emptied; and questions that people shared, taken over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.evaluation import queries
from hrx.app.assistant.evaluation.asking import holds
from hrx.app.assistant.evaluation.models import (
    MOST_QUESTIONS,
    Expectation,
    Expects,
    NewQuestion,
    QuestionNotFound,
    QuestionNotInSet,
    QuestionsWrong,
    Source,
)
from hrx.app.platform import audit
from hrx.app.platform.db import fetch_dicts, send
from hrx.app.platform.edge import not_allowed
from hrx.app.platform.tenancy import Principal
from hrx.kit.errors import FieldProblem, Text
from hrx.kit.search.analysis import guess_language

#: Of one person, until HR takes them over.
MOST_SHARED: Final = 100

_MAKE: Final = """
INSERT INTO app.question_set (name, asker_user_id, asks_model) VALUES (:name, :asker_user_id, :asks_model)
RETURNING id
"""
_CHANGE: Final = """
UPDATE app.question_set
SET name = coalesce(:name, name), asker_user_id = coalesce(:asker_user_id, asker_user_id),
    asks_model = coalesce(:asks_model, asks_model), is_active = coalesce(:is_active, is_active)
WHERE id = :id
"""
# The same question again is the same question: what it expects is put anew.
_ADD: Final = """
INSERT INTO app.evaluation_question (set_id, language, question, expects, source)
VALUES (:set_id, :language, :question, :expects, :source)
ON CONFLICT (tenant_id, set_id, md5(question))
DO UPDATE SET language = excluded.language, expects = excluded.expects, state = 'active'
RETURNING id
"""
_PROPOSE: Final = """
INSERT INTO app.evaluation_question (language, question, expects, state, source, verdict)
SELECT :language, :question, 'found', 'proposed', 'feedback', :verdict
FROM (SELECT count(*) AS proposed, count(*) FILTER (WHERE q.question = :question) AS same
      FROM app.evaluation_question AS q
      WHERE q.state = 'proposed' AND q.created_by = app.current_user_id()) AS mine
WHERE mine.proposed < :most AND mine.same = 0
RETURNING id
"""
_ACCEPT: Final = """
UPDATE app.evaluation_question SET set_id = :set_id, expects = :expects, state = 'active'
WHERE id = :id AND state = 'proposed'
RETURNING id
"""
_REWORD: Final = """
UPDATE app.evaluation_question SET language = :language, expects = :expects WHERE id = :id
"""
_SAME: Final = """
SELECT q.id FROM app.evaluation_question AS q
WHERE q.set_id = :set_id AND md5(q.question) = md5(:question) AND q.id <> :id
"""
_FORGET_EXPECTED: Final = "DELETE FROM app.evaluation_expectation WHERE question_id = :id"
_EXPECT: Final = """
INSERT INTO app.evaluation_expectation (question_id, document_id, quote)
SELECT :id, x.document_id, x.quote
FROM unnest(CAST(:document_ids AS bigint[]), CAST(:quotes AS text[])) AS x (document_id, quote)
"""


async def make_set(session: AsyncSession, *, name: str, asker_user_id: int | None, asks_model: bool) -> int:
    """A new set; asked as its maker unless another account is named. Gives its id."""
    principal = _require_keeper(session)
    values = {"name": name, "asker_user_id": asker_user_id or principal.user_id, "asks_model": asks_model}
    set_id = int((await fetch_dicts(session, _MAKE, values))[0]["id"])
    await _record(session, "question_set.made", {"set_id": set_id, "asks_model": asks_model})
    return set_id


async def change_set(
    session: AsyncSession,
    set_id: int,
    *,
    name: str | None,
    asker_user_id: int | None,
    asks_model: bool | None,
    is_active: bool | None,
) -> None:
    """What is given changes. Raises QuestionSetNotFound, Forbidden."""
    _require_keeper(session)
    await queries.get_set(session, set_id)
    values = {
        "name": name,
        "asker_user_id": asker_user_id,
        "asks_model": asks_model,
        "is_active": is_active,
    }
    await send(session, _CHANGE, {"id": set_id, **values})
    changed = sorted(key for key, value in values.items() if value is not None)
    await _record(session, "question_set.changed", {"set_id": set_id, "fields": changed})


async def delete_set(session: AsyncSession, set_id: int) -> None:
    """With its questions and what came of them. Raises QuestionSetNotFound, Forbidden."""
    _require_keeper(session)
    found = await queries.get_set(session, set_id)
    await send(session, "DELETE FROM app.question_set WHERE id = :id", {"id": set_id})
    await _record(session, "question_set.deleted", {"set_id": set_id, "questions": found["questions"]})


async def add_questions(
    session: AsyncSession, set_id: int, questions: Sequence[NewQuestion], *, source: Source
) -> int:
    """All of them or none; gives how many. Raises QuestionSetNotFound, Forbidden, QuestionsWrong."""
    _require_keeper(session)
    await queries.get_set(session, set_id)
    await _check(session, questions)
    for one in questions:
        values = {
            "set_id": set_id,
            "language": one.language,
            "question": one.question,
            "expects": one.expects,
            "source": source,
        }
        question_id = int((await fetch_dicts(session, _ADD, values))[0]["id"])
        await _expect(session, question_id, one.expected)
    if await queries.count_active(session) > MOST_QUESTIONS:
        raise QuestionsWrong(
            Text(
                ja=f"有効な質問は全部で {MOST_QUESTIONS:,} 件までです。",
                en=f"There may be {MOST_QUESTIONS:,} questions in force altogether.",
            ),
            hint=Text(
                ja="使わない質問を削除するか、質問集を止めてください。",
                en="Delete questions that are not needed any more.",
            ),
        )
    details = {"set_id": set_id, "questions": len(questions), "source": source}
    await _record(session, "question_set.filled", details)
    return len(questions)


async def change_question(session: AsyncSession, question_id: int, given: NewQuestion) -> int:
    """Gives its id, which is a new one where its words are others: figures compare the same question only.

    Raises QuestionNotFound, QuestionNotInSet, QuestionsWrong, Forbidden."""
    _require_keeper(session)
    found = await queries.get_question(session, question_id)
    set_id = found["set_id"]
    if set_id is None:
        raise QuestionNotInSet(
            Text(ja="この質問はまだ質問集にありません。", en="This question does not stand in a set yet."),
            hint=Text(ja="先に質問集へ追加してください。", en="Take it over into a set first."),
        )
    await _check(session, [given])
    values = {"language": given.language, "question": given.question, "expects": given.expects}
    if await fetch_dicts(session, _SAME, {"set_id": set_id, "id": question_id, "question": given.question}):
        raise QuestionsWrong(
            Text(ja="この質問集に同じ質問があります。", en="The set has this question already."),
            fields=(
                FieldProblem(
                    field="questions.0.question",
                    code="question_twice",
                    message=Text(
                        ja="この質問集に同じ質問があります。", en="The set has this question already."
                    ),
                ),
            ),
        )
    changed = question_id
    if given.question == found["question"]:
        await send(session, _REWORD, {"id": question_id, **values})
    else:
        await send(session, "DELETE FROM app.evaluation_question WHERE id = :id", {"id": question_id})
        added = await fetch_dicts(session, _ADD, {"set_id": set_id, "source": found["source"], **values})
        changed = int(added[0]["id"])
    await _expect(session, changed, given.expected)
    await _record(session, "question_set.question_changed", {"set_id": set_id, "question_id": changed})
    return changed


async def delete_question(session: AsyncSession, question_id: int) -> None:
    """With its results; so a question that was shared is discarded. Raises QuestionNotFound, Forbidden."""
    _require_keeper(session)
    found = await queries.get_question(session, question_id)
    await send(session, "DELETE FROM app.evaluation_question WHERE id = :id", {"id": question_id})
    await _record(
        session, "question_set.question_deleted", {"set_id": found["set_id"], "question_id": question_id}
    )


async def accept_question(
    session: AsyncSession,
    question_id: int,
    *,
    set_id: int,
    expects: Expects,
    expected: Sequence[Expectation],
) -> None:
    """Take a shared question over into a set, with what it is to find.

    Raises QuestionNotFound, QuestionSetNotFound, QuestionsWrong, Forbidden."""
    _require_keeper(session)
    await queries.get_set(session, set_id)
    found = await queries.get_question(session, question_id)
    taken = NewQuestion(
        question=found["question"],
        language=found["language"],
        expects=expects,
        expected=tuple(expected),
    )
    await _check(session, [taken])
    if not await fetch_dicts(session, _ACCEPT, {"id": question_id, "set_id": set_id, "expects": expects}):
        raise QuestionNotFound(
            Text(ja="この質問はもう質問集にあります。", en="This question stands in a set already.")
        )
    await send(session, _FORGET_EXPECTED, {"id": question_id})
    await _expect(session, question_id, taken.expected)
    await _record(session, "question_set.filled", {"set_id": set_id, "questions": 1, "source": "feedback"})


async def propose_question(
    session: AsyncSession, *, question: str, verdict: str, document_ids: Sequence[int]
) -> None:
    """Share a question of one's own with HR; of an answer that helped, the documents it rested on go along.

    Shared twice it stands there once; who has a hundred that nobody looked at yet shares no more."""
    values = {
        "language": guess_language(question),
        "question": question[:2_000],
        "verdict": verdict,
        "most": MOST_SHARED,
    }
    rows = await fetch_dicts(session, _PROPOSE, values)
    if not rows:
        return
    question_id = int(rows[0]["id"])
    if verdict == "up":
        await _expect(session, question_id, [Expectation(document_id=one) for one in document_ids])
    await _record(session, "assistant.question_shared", {"question_id": question_id, "verdict": verdict})


async def _expect(session: AsyncSession, question_id: int, expected: Sequence[Expectation]) -> None:
    await send(session, _FORGET_EXPECTED, {"id": question_id})
    if expected:
        values = {
            "id": question_id,
            "document_ids": [one.document_id for one in expected],
            "quotes": [one.quote for one in expected],
        }
        await send(session, _EXPECT, values)


async def _check(session: AsyncSession, questions: Sequence[NewQuestion]) -> None:
    wanted = sorted({one.document_id for question in questions for one in question.expected})
    known = {document_id for document_id, _ in await queries.list_documents(session, ids=wanted)}
    bodies = await queries.list_bodies(session, sorted(known))
    # Where nothing was read yet, words cannot be looked for; if they are not there, its figures will tell.
    unread = await queries.list_unread(session, sorted(known))
    seen = Counter(question.question for question in questions)
    problems = [
        problem
        for number, question in enumerate(questions)
        for problem in _problems(
            f"questions.{number}", question, known=known, bodies=bodies, unread=unread, seen=seen
        )
    ]
    if problems:
        raise QuestionsWrong(
            Text(
                ja="質問に誤りがあるため、保存しませんでした。",
                en="Some questions are wrong; none was saved.",
            ),
            fields=tuple(problems),
        )


def _problems(
    field: str,
    question: NewQuestion,
    *,
    known: set[int],
    bodies: Mapping[int, Sequence[str]],
    unread: set[int],
    seen: Mapping[str, int],
) -> list[FieldProblem]:
    found = []
    if seen[question.question] > 1:
        said = Text(ja="同じ質問が二度あります。", en="The same question stands here twice.")
        found.append(FieldProblem(field=f"{field}.question", code="question_twice", message=said))
    if (question.expects == "found") != bool(question.expected):
        said = Text(
            ja="見つかるはずの質問には文書を一つ以上、見つからないはずの質問には文書なしで登録してください。",
            en="Name a document for what is to be found, and none for what is not.",
        )
        found.append(FieldProblem(field=f"{field}.expected", code="expected_wrong", message=said))
    for place, one in enumerate(question.expected):
        where = f"{field}.expected.{place}"
        if one.document_id not in known:
            said = Text(ja="この文書はありません。", en="There is no such document.")
            found.append(FieldProblem(field=f"{where}.document_id", code="unknown_document", message=said))
        elif (
            one.quote
            and one.document_id not in unread
            and not any(holds(body, one.quote) for body in bodies.get(one.document_id, ()))
        ):
            said = Text(
                ja="この文は文書の中の一つの段落に見つかりません。短く、そのままの言葉で書いてください。",
                en="These words stand in no passage of the document. Give fewer, word for word.",
            )
            found.append(FieldProblem(field=f"{where}.quote", code="quote_not_in_document", message=said))
    return found


def _require_keeper(session: AsyncSession) -> Principal:
    """Mirror of the policies: HR and owners keep questions."""
    principal: Principal = session.info["principal"]
    if not principal.may_write_people:
        raise not_allowed()
    return principal


async def _record(session: AsyncSession, action: str, details: Mapping[str, object]) -> None:
    """Which, how many and by whom; never what a question says."""
    await audit.record(session, action=action, details=details)
