"""Bodies of the assistant's doors."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from hrx.app.people.employees.inputs import Day, RefId
from hrx.app.platform.characters import has_hidden
from hrx.app.platform.problems import field_error


def _readable(text: str) -> str:
    """Invisible characters hide words from whoever reads a question over."""
    # Emoji are joined by a character that nothing else needs.
    if has_hidden(text.replace("\u200d", ""), allowed="\r\n\t"):
        raise field_error(
            "text_not_printable",
            ja="制御文字や見えない文字は使えません。",
            en="Control characters and invisible characters cannot be used.",
        )
    return text


def _asking(text: str) -> str:
    if not any(character.isalnum() for character in text):
        raise field_error("question_empty", ja="質問を入力してください。", en="Type a question.")
    return _readable(text)


QuestionText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000),
    AfterValidator(_asking),
]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000), AfterValidator(_readable)]
Mode = Literal["model", "quotes", "people", "not_found"]


class QuestionAsked(BaseModel):
    """`on`: the day whose rules and people are asked about; today without it."""

    model_config = ConfigDict(extra="forbid")

    question: QuestionText
    conversation_id: RefId | None = None
    on: Day | None = None


class Feedback(BaseModel):
    """`share`: give the question to HR, who may have it asked every night; without it nobody sees it."""

    model_config = ConfigDict(extra="forbid")

    verdict: Literal["up", "down"]
    reason: Remark | None = None
    share: bool = False


class Retention(BaseModel):
    """Days after the last question for which conversations are kept."""

    model_config = ConfigDict(extra="forbid")

    days: Annotated[int, Field(ge=1, le=3650)]


class ConversationLine(BaseModel):
    id: int
    question: str
    answers: int
    created_at: datetime
    last_asked_at: datetime


class Conversations(BaseModel):
    items: list[ConversationLine]
    next_cursor: str | None


class Citation(BaseModel):
    number: int
    document_id: int
    version_id: int
    title: str
    headings: list[str]
    page: int | None
    start_char: int
    end_char: int
    body_sha256: str
    quote: str
    quote_start: int
    quote_end: int
    effective_from: date | None
    effective_to: date | None


class Sentence(BaseModel):
    text: str
    citations: list[int]
    is_supported: bool


class PersonFound(BaseModel):
    id: int
    name: str
    org_unit: str | None
    position: str | None


class PeopleAnswer(BaseModel):
    """What the records say, counted and listed under the reader's own rights at this moment."""

    as_of: date
    total: int
    items: list[PersonFound]


class Answer(BaseModel):
    """`hidden`: citations or sentences that may not be seen any more. `people`: asked again just now."""

    id: int
    question: str
    language: Literal["ja", "en"]
    asked_on: date
    asked_at: datetime
    mode: Mode
    state: Literal["interrupted", "done"]
    reason: str
    searched_documents: int
    verdict: Literal["up", "down"] | None
    sentences: list[Sentence]
    citations: list[Citation]
    people: PeopleAnswer | None
    hidden: int


class Conversation(BaseModel):
    """`answers` in the order in which they were asked; `next_cursor` leads to those before the first."""

    id: int
    answers: list[Answer]
    next_cursor: str | None


class AnswerCount(BaseModel):
    mode: Mode
    answers: int
    interrupted: int
    up: int
    down: int


class AnswerCounts(BaseModel):
    items: list[AnswerCount]
