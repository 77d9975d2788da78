"""What is written down of an answer, and what is shown of it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from hrx.kit.errors import Language


class Mode(StrEnum):
    """Who speaks in an answer."""

    MODEL = "model"
    QUOTES = "quotes"
    PEOPLE = "people"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A numbered place of a version that an answer rests on. Places are in the version's text; `quote` is
    the text from quote_start to quote_end. `effective_to`: the first day on which it is not in force."""

    number: int
    document_id: int
    version_id: int
    title: str
    headings: tuple[str, ...]
    page: int | None
    start_char: int
    end_char: int
    body_sha256: str
    quote: str
    quote_start: int
    quote_end: int
    effective_from: date | None
    effective_to: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence of an answer. `document_ids`: whose words it may hold."""

    text: str
    citations: tuple[int, ...] = ()
    is_supported: bool = True
    document_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAnswer:
    """An answer as it begins. `intent`: a question about people as it was understood."""

    question: str
    language: Language
    asked_on: date
    mode: Mode
    reason: str = ""
    searched_documents: int = 0
    citations: tuple[Citation, ...] = ()
    intent: dict[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer as it is shown again. `hidden`: citations or sentences that its user may see no more."""

    id: int
    question: str
    language: Language
    asked_on: date
    asked_at: datetime
    mode: Mode
    state: str
    reason: str
    searched_documents: int
    intent: dict[str, object] | None
    verdict: str | None
    sentences: tuple[Said, ...]
    citations: tuple[Citation, ...]
    hidden: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedAnswer:
    """What an answer was asked, and the documents it cites as far as its user may still see them."""

    question: str
    document_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenQuotes:
    """A batch of answers that was looked through: its last one, and how many sentences and citations went."""

    last_id: int
    forgotten: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationLine:
    """A conversation in the list, by its first question."""

    id: int
    question: str
    answers: int
    created_at: datetime
    last_asked_at: datetime
