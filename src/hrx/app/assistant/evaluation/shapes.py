"""Bodies of the doors of evaluation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hrx.app.assistant.evaluation.models import Cause, Expects, Measure, Source
from hrx.app.assistant.shapes import QuestionText
from hrx.app.people.employees.inputs import RefId

_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_Quote = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000)]
_Language = Literal["ja", "en"]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ExpectedGiven(_Sent):
    """A document; with `quote`, the passage of it that holds these words."""

    document_id: RefId
    quote: _Quote = ""


class QuestionGiven(_Sent):
    """`language`: as it seems to be written in, unless told."""

    question: QuestionText
    language: _Language | None = None
    expects: Expects = "found"
    expected: Annotated[list[ExpectedGiven], Field(max_length=20)] = []


class QuestionsGiven(_Sent):
    questions: Annotated[list[QuestionGiven], Field(min_length=1, max_length=200)]


class SetGiven(_Sent):
    """`asker_user_id`: whose rights its questions are asked with; its maker's without it."""

    name: _Name
    asker_user_id: RefId | None = None
    asks_model: bool = False


class SetChange(_Sent):
    name: _Name | None = None
    asker_user_id: RefId | None = None
    asks_model: bool | None = None
    is_active: bool | None = None


class QuestionAccepted(_Sent):
    set_id: RefId
    expects: Expects = "found"
    expected: Annotated[list[ExpectedGiven], Field(max_length=20)] = []


class QuestionSet(BaseModel):
    id: int
    name: str
    asker_user_id: int
    asker_name: str
    asker_is_active: bool
    asks_model: bool
    is_active: bool
    created_at: datetime
    questions: int


class ExpectedDocument(BaseModel):
    document_id: int
    title: str
    quote: str


class EvaluationQuestion(BaseModel):
    """`verdict`: what its asker thought of the answer, where a person shared it."""

    id: int
    set_id: int | None
    language: _Language
    question: str
    expects: Expects
    state: Literal["proposed", "active", "retired"]
    source: Source
    verdict: Literal["up", "down"] | None
    created_at: datetime
    expected: list[ExpectedDocument]


class EvaluationQuestions(BaseModel):
    """`next_after`: the question behind which the next page begins."""

    items: list[EvaluationQuestion]
    next_after: int | None


class Added(BaseModel):
    questions: int


class EvaluationFigure(BaseModel):
    """`value` and `lost` from 0 to 1; `lost`: how far the same questions are below the runs before."""

    language: _Language
    measure: Measure
    counted: int
    value: float
    compared: int
    lost: float | None


class SetResult(BaseModel):
    """What came of a set in the newest run that is done; `questions` were asked, `failed` could not be."""

    run_id: int
    finished_at: datetime
    questions: int
    failed: int
    figures: list[EvaluationFigure]


class QuestionSetLine(QuestionSet):
    """`last`: None where the newest run that is done asked nothing of it."""

    last: SetResult | None


class QuestionSets(BaseModel):
    items: list[QuestionSetLine]


class EvaluationRun(BaseModel):
    id: int
    state: Literal["running", "done", "abandoned"]
    cause: Cause
    commit: str
    started_at: datetime
    finished_at: datetime | None
    questions: int
    failed: int
    figures: list[EvaluationFigure]


class EvaluationRuns(BaseModel):
    items: list[EvaluationRun]


class CameDocument(BaseModel):
    """A passage that came, by its place in its version's text; `headings` that it stands under, the outermost
    first."""

    document_id: int
    version_id: int
    title: str
    headings: list[str]
    start_char: int
    end_char: int


class WorstQuestion(BaseModel):
    question_id: int
    set_id: int
    question: str
    language: _Language
    expects: Expects
    place: int | None
    mode: Literal["model", "quotes", "people", "not_found", "failed"]
    problem: str
    sentences: int
    supported: int
    expected: list[ExpectedDocument]
    came: list[CameDocument]


class WorstQuestions(BaseModel):
    run: EvaluationRun
    items: list[WorstQuestion]


class SearchWeights(BaseModel):
    """How much the best hit by words, by letter groups and by meaning counts in a language.

    Where the tenant's questions taught it: how many, and their mean of 1 / place by these weights and by
    those before; None where it is as delivered."""

    language: _Language
    terms: float
    grams: float
    dense: float
    questions: int | None = None
    mrr: float | None = None
    mrr_before: float | None = None
    learned_at: datetime | None = None


class SearchWeightsOfLanguages(BaseModel):
    items: list[SearchWeights]
