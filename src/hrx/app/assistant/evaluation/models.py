"""Questions with what they expect, what came, and the figures of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from hrx.app.platform.problems import explain_constraint
from hrx.kit.errors import Conflict, Invalid, Language, NotFound, Text

Expects = Literal["found", "not_found"]
Source = Literal["written", "imported", "feedback"]
Cause = Literal["nightly", "release", "asked"]
#: As many as a tenant may have in force: a night's run of them takes minutes.
MOST_QUESTIONS: Final = 2_000
#: Passages among which the expected one is looked for; the measures' "@10".
PLACES: Final = 10
#: An answer rests on so many passages: what stands behind them was not found.
HIT_WITHIN: Final = 8

explain_constraint(
    "question_set_name",
    field="name",
    message=Text(ja="同じ名前の質問集がすでにあります。", en="There is a question set of this name already."),
    hint=Text(ja="別の名前を付けてください。", en="Give it another name."),
)
explain_constraint(
    "question_set_asker",
    field="asker_user_id",
    error=Invalid,
    message=Text(ja="このアカウントはありません。", en="There is no such account."),
    hint=Text(ja="使われているアカウントを選んでください。", en="Choose an account that is in use."),
)


class Measure(StrEnum):
    """Share of questions whose expected passage is among those an answer rests on; mean of 1 / its place
    among ten; share in place one; share of sentences that their citation supports; of questions that nothing
    answers, those of which that is said."""

    HIT = "hit"
    MRR = "mrr"
    FIRST = "first"
    SUPPORTED = "supported"
    NOT_FOUND = "not_found"


class QuestionSetNotFound(NotFound):
    """There is none, or it is not for the caller."""

    code = "question_set.not_found"


class QuestionNotFound(NotFound):
    code = "evaluation_question.not_found"


class QuestionNotInSet(Conflict):
    """It was shared, and nobody has taken it over into a set yet."""

    code = "evaluation_question.not_in_set"


class RunNotFound(NotFound):
    code = "evaluation_run.not_found"


class QuestionsWrong(Invalid):
    """Some of the questions cannot be taken; none was. Names each field."""

    code = "evaluation_questions.wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """A document, or the passage of it that holds the words of `quote`."""

    document_id: int
    quote: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewQuestion:
    """A question as it is put into a set."""

    question: str
    language: Language
    expects: Expects
    expected: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuestion:
    """A question as it is asked: with whose rights, and whether a model writes."""

    id: int
    question: str
    language: Language
    expects: Expects
    asker_user_id: int
    asks_model: bool
    expected: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a passage that came stands, never its text."""

    document_id: int
    version_id: int
    start_char: int
    end_char: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a question. `place`: of the first expected passage among ten, from 1; `mode`: who spoke,
    or failed; `problem`: why it failed; `supported`: of `sentences`, those that what they cite supports."""

    question_id: int
    language: Language
    expects: Expects
    mode: str
    place: int | None = None
    problem: str = ""
    sentences: int = 0
    supported: int = 0
    latency_ms: int = 0
    came: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """Means of one question over the runs before; None where it was never counted."""

    values: Mapping[Measure, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationFigure:
    """`counted`: questions, or sentences for `supported`. `lost`: how far the `compared` questions, which
    were asked before, too, are below their means of then; None without any."""

    language: Language
    measure: Measure
    counted: int
    value: float
    compared: int = 0
    lost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetResult:
    """What came of one set in a run."""

    run_id: int
    finished_at: datetime
    questions: int
    failed: int
    figures: tuple[EvaluationFigure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run with its figures."""

    id: int
    state: str
    cause: str
    commit: str
    started_at: datetime
    finished_at: datetime | None
    questions: int
    failed: int
    figures: tuple[EvaluationFigure, ...] = field(default=())
