"""Question sets from files: JSON as the API takes it, or CSV as a spreadsheet writes it. Pure but for titles,
which the caller resolves."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from hrx.app.assistant.evaluation.models import (
    MOST_QUESTIONS,
    Expectation,
    NewQuestion,
    QuestionsWrong,
)
from hrx.kit.errors import FieldProblem, Text
from hrx.kit.search.analysis import guess_language

LIMIT_BYTES: Final = 4 * 1024 * 1024
#: Headings of a CSV file, in either language.
_COLUMNS: Final[Mapping[str, str]] = {
    "question": "question", "質問": "question",
    "language": "language", "言語": "language",
    "expects": "expects", "期待": "expects",
    "document": "document", "文書": "document",
    "quote": "quote", "該当箇所": "quote",
}  # fmt: skip
_NOT_FOUND: Final = frozenset({"not_found", "none", "なし", "見つからない"})
_MOST_CHARS: Final = {"question": 2_000, "quote": 1_000}


@dataclass(slots=True, kw_only=True)
class Read:
    """A question of a file. `documents`: title or number with the words that are expected in it."""

    question: str
    language: str
    expects: str
    documents: list[tuple[str, str]] = field(default_factory=list)


def read_file(content: bytes) -> list[Read]:
    """The questions of a JSON or CSV file, in its order; rows of one question are one.

    Raises QuestionsWrong."""
    if len(content) > LIMIT_BYTES:
        raise _wrong(
            Text(
                ja=f"ファイルが大きすぎます({LIMIT_BYTES // 1_048_576} MB まで)。",
                en=f"The file is larger than {LIMIT_BYTES // 1_048_576} MB.",
            )
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp932")
        except UnicodeDecodeError as error:
            raise _wrong(
                Text(ja="文字コードを読み取れません。", en="The file's encoding cannot be read.")
            ) from error
    found = _read_json(text) if text.lstrip()[:1] in "[{" else _read_csv(text)
    if not found:
        raise _wrong(Text(ja="ファイルに質問がありません。", en="The file holds no question."))
    if len(found) > MOST_QUESTIONS:
        raise _wrong(
            Text(
                ja=f"質問は一度に {MOST_QUESTIONS:,} 件までです。",
                en=f"At most {MOST_QUESTIONS:,} questions at once.",
            )
        )
    return found


def resolve(read: Sequence[Read], documents: Sequence[tuple[int, str]]) -> list[NewQuestion]:
    """The questions with the documents that they name. Raises QuestionsWrong, which names each row.

    `documents`: ids and titles of those that may be meant."""
    by_title: dict[str, list[int]] = {}
    for document_id, title in documents:
        by_title.setdefault(title, []).append(document_id)
    ids = {document_id for document_id, _ in documents}
    questions, problems = [], []
    for number, one in enumerate(read):
        expected = []
        for place, (name, quote) in enumerate(one.documents):
            matching = by_title.get(name, [])
            if not matching and name.isdecimal() and int(name) in ids:
                matching = [int(name)]
            if len(matching) == 1:
                expected.append(Expectation(document_id=matching[0], quote=quote))
                continue
            problems.append(
                FieldProblem(
                    field=f"questions.{number}.expected.{place}.document",
                    code="document_ambiguous" if matching else "unknown_document",
                    message=_several(name) if matching else _unknown(name),
                )
            )
        questions.append(
            NewQuestion(
                question=one.question,
                language="ja" if one.language == "ja" else "en",
                expects="not_found" if one.expects == "not_found" else "found",
                expected=tuple(expected),
            )
        )
    if problems:
        raise _wrong(
            Text(
                ja="文書が特定できない行があるため、取り込みませんでした。",
                en="Some rows name no document for certain; nothing was imported.",
            ),
            problems,
        )
    return questions


def list_names(read: Sequence[Read]) -> tuple[list[str], list[int]]:
    """Titles and numbers of documents that are named."""
    names = {name for one in read for name, _ in one.documents}
    numbers = [int(name) for name in names if name.isdecimal() and len(name) <= 18]
    return sorted(names), sorted(numbers)


def _read_csv(text: str) -> list[Read]:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    columns = {name: _COLUMNS.get((name or "").strip().lower()) for name in rows.fieldnames or ()}
    if "question" not in columns.values():
        raise _wrong(
            Text(
                ja="1 行目に「question」(質問)の列がありません。",
                en="The first line has no column “question”.",
            ),
            hint=Text(
                ja="列は question, language, expects, document, quote です。",
                en="Columns are question, language, expects, document, quote.",
            ),
        )
    found: dict[str, Read] = {}
    try:
        for number, row in enumerate(rows):
            cells = {
                name: (row.get(column) or "").strip() for column, name in columns.items() if name is not None
            }
            if any(cells.values()):
                _add(found, cells, where=f"rows.{number + 2}")
    except csv.Error as error:
        raise _wrong(Text(ja="CSV として読み取れません。", en="This is not valid CSV.")) from error
    return list(found.values())


# `Any`: a file of elsewhere.
def _read_json(text: str) -> list[Read]:
    try:
        told: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _wrong(Text(ja="JSON として読み取れません。", en="This is not valid JSON.")) from error
    items = told.get("questions") if isinstance(told, dict) else told
    found: dict[str, Read] = {}
    if not isinstance(items, list):
        raise _wrong(
            Text(ja="questions の配列がありません。", en="There is no list of questions in the file.")
        )
    for number, item in enumerate(items):
        where = f"questions.{number}"
        if not isinstance(item, dict) or not isinstance(item.get("expected", []), list):
            raise _wrong(
                Text(ja="質問の形が正しくありません。", en="A question does not have the right form."),
                [_field(where, "form_wrong", Text(ja="形が正しくありません。", en="Not the right form."))],
            )
        expected = item.get("expected") or [{}]
        for one in expected:
            cells = {name: str(item.get(name) or "").strip() for name in ("question", "language", "expects")}
            if isinstance(one, dict):
                cells |= {name: str(one.get(name) or "").strip() for name in ("document", "quote")}
            _add(found, cells, where=where)
    return list(found.values())


def _add(found: dict[str, Read], cells: Mapping[str, str], *, where: str) -> None:
    question = cells.get("question", "")
    if not question:
        raise _wrong(
            Text(ja="質問のない行があります。", en="A row has no question."),
            [_field(f"{where}.question", "missing", Text(ja="入力してください。", en="This is required."))],
        )
    for name, most in _MOST_CHARS.items():
        if len(cells.get(name, "")) > most:
            said = Text(ja=f"{most:,} 文字までです。", en=f"At most {most:,} characters.")
            raise _wrong(
                Text(ja="長すぎる行があります。", en="A row is too long."),
                [_field(f"{where}.{name}", "string_too_long", said)],
            )
    language = cells.get("language", "") or guess_language(question)
    if language not in ("ja", "en"):
        said = Text(ja="ja か en です。", en="ja or en.")
        raise _wrong(
            Text(ja="知らない言語です。", en="There is a language that is not known."),
            [_field(f"{where}.language", "language_unknown", said)],
        )
    document = cells.get("document", "")
    is_none = cells.get("expects", "").lower() in _NOT_FOUND
    one = found.setdefault(
        question,
        Read(question=question, language=language, expects="not_found" if is_none else "found"),
    )
    if document:
        one.documents.append((document, cells.get("quote", "")))


def _unknown(name: str) -> Text:
    return Text(ja=f"「{name}」という文書はありません。", en=f"There is no document “{name}”.")


def _several(name: str) -> Text:
    return Text(
        ja=f"「{name}」という文書がいくつもあります。番号で指定してください。",
        en=f"There are several documents “{name}”; give its number.",
    )


def _field(name: str, code: str, message: Text) -> FieldProblem:
    return FieldProblem(field=name, code=code, message=message)


def _wrong(message: Text, fields: Sequence[FieldProblem] = (), hint: Text | None = None) -> QuestionsWrong:
    return QuestionsWrong(message, fields=tuple(fields), hint=hint)
