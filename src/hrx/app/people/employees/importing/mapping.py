"""Which column means which field: guessed from headers and samples, then decided by a person.

Pure. A guess carries its confidence so that the screen can ask about the doubtful ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from hrx.app.people.employees.importing.dates import DateRefused, parse_end_day
from hrx.app.people.employees.importing.fields import BY_NAME, FIELDS, FieldKind
from hrx.kit.errors import FieldProblem, Invalid, Text

#: Below this a guess is shown as a question and not pre-selected.
LEAST_CONFIDENCE: Final = 0.5
_EXACT, _SYNONYM, _PART, _BY_CONTENT = 1.0, 0.95, 0.6, 0.55
_NOISE = re.compile(r"[\s_\-‐・*＊:：\"'「」【】]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+$")


class MappingInvalid(Invalid):
    """The mapping names unknown columns or fields, or uses one field twice."""

    code = "import.mapping_invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnGuess:
    """One column as shown for mapping. `field` is None when nothing fits; `confidence` is 0-1."""

    name: str
    samples: tuple[str, ...]
    field: str | None
    confidence: float


def guess_columns(header: Sequence[str], samples: Sequence[Sequence[str]]) -> tuple[ColumnGuess, ...]:
    """A guess for every column; each field is given to the column that fits it best, once."""
    scored = [
        (score, -index, field)
        for index, name in enumerate(header)
        for field, score in _scores(name, samples[index]).items()
        if score >= LEAST_CONFIDENCE
    ]
    given: dict[int, tuple[str, float]] = {}
    taken: set[str] = set()
    for score, negative_index, field in sorted(scored, reverse=True):
        if -negative_index not in given and field not in taken:
            given[-negative_index] = (field, score)
            taken.add(field)
    return tuple(
        ColumnGuess(
            name=name,
            samples=tuple(samples[index]),
            field=given[index][0] if index in given else None,
            confidence=given[index][1] if index in given else 0.0,
        )
        for index, name in enumerate(header)
    )


def count_known_headers(cells: Sequence[str]) -> int:
    """How many cells are the name or a synonym of a field; tells a header from a title line."""
    return sum(1 for cell in cells if normalise_header(cell) in _known_headers())


def check_mapping(mapping: Mapping[str, str | None], *, header: Sequence[str]) -> dict[str, str]:
    """The mapping without ignored columns. Raises MappingInvalid naming every wrong entry."""
    problems: list[FieldProblem] = []
    chosen: dict[str, str] = {}
    for column, field in mapping.items():
        if not field:
            continue
        if column not in header:
            problems.append(
                _problem(column, "column.unknown", ja="この列はありません。", en="No such column.")
            )
        elif field not in BY_NAME:
            problems.append(
                _problem(column, "field.unknown", ja=f"項目 {field} はありません。", en=f"No field {field}.")
            )
        elif field in chosen.values():
            label = BY_NAME[field].label
            problems.append(
                _problem(
                    column,
                    "field.twice",
                    ja=f"「{label.ja}」は別の列でも使われています。",
                    en=f"“{label.en}” is already used by another column.",
                )
            )
        else:
            chosen[column] = field
    problems.extend(_missing_parts(set(chosen.values())))
    if problems:
        raise MappingInvalid(
            Text(ja="列の対応に誤りがあります。", en="The column mapping is wrong."),
            hint=Text(
                ja="示された列の対応を選び直してください。", en="Choose again for the columns that are named."
            ),
            fields=tuple(problems),
        )
    return chosen


def normalise_header(name: str) -> str:
    """Headers compare without case, width, spaces and decoration."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", name)).casefold()


@cache
def _known_headers() -> dict[str, tuple[str, float]]:
    """Normalised header → (field, score). The first field to claim a name keeps it."""
    known: dict[str, tuple[str, float]] = {}
    for field in FIELDS:
        for name in (field.label.ja, field.label.en, field.name):
            known.setdefault(normalise_header(name), (field.name, _EXACT))
    for field in FIELDS:
        for name in field.synonyms:
            known.setdefault(normalise_header(name), (field.name, _SYNONYM))
    return known


def _scores(name: str, samples: Sequence[str]) -> dict[str, float]:
    plain = normalise_header(name)
    if plain in _known_headers():
        field, score = _known_headers()[plain]
        return {field: score}
    scores: dict[str, float] = {}
    for known, (field, _) in _known_headers().items():
        if len(known) >= 3 and known in plain:
            # Longer matches are better: 退職年月日 inside 退職年月日（予定） beats 日.
            scores[field] = max(scores.get(field, 0.0), _PART + 0.3 * len(known) / len(plain))
    content = _field_by_content(samples)
    if content:
        scores[content] = min(0.99, scores.get(content, _BY_CONTENT) + 0.05)
    return {field: score - _misfit(field, samples) for field, score in scores.items()}


def _field_by_content(samples: Sequence[str]) -> str | None:
    return "work_email" if samples and all(_EMAIL.match(sample) for sample in samples) else None


def _misfit(field: str, samples: Sequence[str]) -> float:
    """Takes a guess back when its samples cannot be what the field holds."""
    if BY_NAME[field].kind not in (FieldKind.DATE, FieldKind.END_DATE) or not samples:
        return 0.0
    readable = 0
    for sample in samples:
        try:
            parse_end_day(sample)
            readable += 1
        except DateRefused:
            continue
    return 0.0 if readable * 2 >= len(samples) else 0.4


def _missing_parts(fields: set[str]) -> list[FieldProblem]:
    if "employee_number" in fields:
        return []
    return [
        _problem(
            "employee_number",
            "field.required",
            ja="社員番号の列を選んでください。行と人を結び付けるために必要です。",
            en="Choose the column with the employee number; it ties rows to people.",
        )
    ]


def _problem(field: str, code: str, *, ja: str, en: str) -> FieldProblem:
    return FieldProblem(field=field, code=code, message=Text(ja=ja, en=en))
