"""How documents look to the outside, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import RowMapping

from hrx.app.people.documents.actions.uploading import Audience, Kind, Outcome
from hrx.app.people.documents.skills.deciding import Verdict
from hrx.app.people.documents.skills.judging import KNOWN, SURE
from hrx.kit.errors import Language

State = Literal["waiting", "reading", "ready", "replaced", "failed"]


class DocumentProblem(BaseModel):
    """Why a file cannot be read, and what to do."""

    code: str
    message: str
    hint: str | None


class DocumentWarning(BaseModel):
    """Something to know about a file that was read. `value`: a proposed day, a sheet's name."""

    code: str
    page: int | None
    count: int
    value: str
    message: str


class LineVersion(BaseModel):
    """The version that a line shows: the one in force today, else the newest."""

    id: int
    number: int
    state: State
    effective_from: date | None
    effective_to: date | None
    file_name: str
    pages_total: int | None
    pages_done: int
    passages: int
    problem: DocumentProblem | None
    warnings: list[DocumentWarning]


class DocumentLine(BaseModel):
    id: int
    kind: Kind
    title: str
    audience: Audience
    person_id: int | None
    person_name: str | None
    source_path: str | None
    created_at: datetime
    version: LineVersion


class DocumentLines(BaseModel):
    items: list[DocumentLine]
    next_cursor: str | None


class UploadedLine(DocumentLine):
    """`unchanged`: the same file lay at the same place already."""

    outcome: Outcome


class SkippedFile(BaseModel):
    """A file of an archive that was not taken."""

    path: str
    code: str
    message: str
    hint: str | None


class Uploads(BaseModel):
    items: list[UploadedLine]
    skipped: list[SkippedFile]


class Version(BaseModel):
    id: int
    number: int
    state: State
    effective_from: date | None
    effective_to: date | None
    file_name: str
    media_type: str
    size_bytes: int
    language: Language | None
    pages_total: int | None
    pages_done: int
    passages: int
    warnings: list[DocumentWarning]
    problem: DocumentProblem | None
    created_at: datetime
    ready_at: datetime | None


class Readers(BaseModel):
    person_ids: list[int]
    unit_ids: list[int]


class Document(BaseModel):
    """`readers` is told to those who see everyone; `may_change` says which doors to show."""

    id: int
    kind: Kind
    title: str
    audience: Audience
    person_id: int | None
    person_name: str | None
    source_path: str | None
    created_at: datetime
    readers: Readers | None
    may_change: bool
    may_delete: bool
    versions: list[Version]


class DocumentHeading(BaseModel):
    """Where a path of headings begins."""

    start: int
    page: int | None
    headings: list[str]


class DocumentText(BaseModel):
    """A part of a version's text; places are counted in characters from the beginning of the whole."""

    title: str
    body: str
    start: int
    end: int
    total: int
    page_starts: list[int]
    headings: list[DocumentHeading]


class Proposal(BaseModel):
    """What a résumé seems to say. `is_recorded_on_accept`: accepting writes it into the person's record."""

    id: int
    version_id: int
    person_id: int
    field: str
    value: str
    start: int
    end: int
    state: Literal["proposed", "accepted", "rejected"]
    is_recorded_on_accept: bool
    decided_at: datetime | None


class Proposals(BaseModel):
    items: list[Proposal]


class DecidedProposal(BaseModel):
    """`is_recorded`: the person's record was changed. `note` says what became of it otherwise."""

    id: int
    state: Literal["accepted", "rejected"]
    is_recorded: bool
    note: str | None


def show_line(row: RowMapping, *, language: Language) -> DocumentLine:
    return DocumentLine(**_line(row, language=language))


def show_uploaded(row: RowMapping, *, outcome: Outcome, language: Language) -> UploadedLine:
    return UploadedLine(**_line(row, language=language), outcome=outcome)


def show_version(row: RowMapping, *, language: Language) -> Version:
    return Version(
        **{name: row[name] for name in Version.model_fields if name not in ("warnings", "problem")},
        warnings=show_warnings(row["warnings"], language=language),
        problem=show_problem(row["problem"], language=language),
    )


def show_warnings(stored: list[dict[str, Any]], *, language: Language) -> list[DocumentWarning]:
    return [
        DocumentWarning(
            code=each["code"],
            page=each.get("page"),
            count=each.get("count", 0),
            value=each.get("value", ""),
            message=each["message"][language],
        )
        for each in stored
    ]


def show_problem(stored: dict[str, Any] | None, *, language: Language) -> DocumentProblem | None:
    if stored is None:
        return None
    hint = stored.get("hint")
    return DocumentProblem(
        code=stored["code"], message=stored["message"][language], hint=hint[language] if hint else None
    )


# `Any`: the row's columns, each checked by the shape that takes them.
def _line(row: RowMapping, *, language: Language) -> dict[str, Any]:
    names = ("id", "kind", "title", "audience", "person_id", "person_name", "source_path", "created_at")
    return {
        **{name: row[name] for name in names},
        "version": LineVersion(
            id=row["version_id"],
            number=row["number"],
            state=row["state"],
            effective_from=row["effective_from"],
            effective_to=row["effective_to"],
            file_name=row["file_name"],
            pages_total=row["pages_total"],
            pages_done=row["pages_done"],
            passages=row["passages"],
            problem=show_problem(row["problem"], language=language),
            warnings=show_warnings(row["warnings"], language=language),
        ),
    }


class Place(BaseModel):
    """A part of a version's text, in characters from the beginning of the whole."""

    start: int
    end: int


class SkillWord(BaseModel):
    """A word that the score rests on. `weight`: log-odds that the score loses without it; below 0 the word
    speaks against the skill."""

    word: str
    weight: float
    places: list[Place]


class DocumentSkill(BaseModel):
    """`id`: of the score's row. `score`: how sure the model is (0–1); below 0.5 only what was decided on."""

    id: int
    skill: str
    name: str
    score: float
    reasons: list[SkillWord]
    verdict: Verdict | None
    decided_at: datetime | None


class DocumentSkills(BaseModel):
    """`model_version`: which version of the model said so; another one may see others."""

    items: list[DocumentSkill]
    model_version: str
    may_decide: bool

    model_config = ConfigDict(protected_namespaces=())


class DecidedScore(BaseModel):
    id: int
    verdict: Verdict
    decided_at: datetime


def show_skills(
    rows: Sequence[RowMapping], *, model_version: str, may_decide: bool, language: Language
) -> DocumentSkills:
    return DocumentSkills(
        items=[
            DocumentSkill(
                **{name: row[name] for name in ("id", "score", "verdict", "decided_at")},
                skill=row["label"],
                name=name_skill(row["label"], language=language),
                reasons=show_words(row["reasons"]),
            )
            for row in rows
            # A model of before may name a skill that the list has no more.
            if row["label"] in KNOWN and (row["score"] >= SURE or row["verdict"])
        ],
        model_version=model_version,
        may_decide=may_decide,
    )


# `Any`: the row's JSON, as keeping writes it.
def show_words(stored: Sequence[dict[str, Any]]) -> list[SkillWord]:
    return [
        SkillWord(
            word=each["word"],
            weight=each["weight"],
            places=[Place(start=start, end=end) for start, end in each["places"]],
        )
        for each in stored
    ]


def name_skill(skill: str, *, language: Language) -> str:
    """As people call it; the id itself when the list has it no more."""
    known = KNOWN.get(skill)
    return skill if known is None else known.ja if language == "ja" else known.en
