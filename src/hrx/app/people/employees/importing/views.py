"""How an import looks to the outside, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel
from sqlalchemy import RowMapping

from hrx.app.people.employees.importing.fields import BY_NAME, FIELDS, Field
from hrx.app.people.employees.importing.problems import say
from hrx.app.people.employees.importing.queries import ImportRow
from hrx.kit.errors import Language

ImportState = Literal[
    "uploaded", "mapped", "checking", "checked", "committing", "committed", "failed", "cancelled"
]
#: Changes are listed in the order of the catalogue: the person first, then posts, then private facts.
_ORDER: Final = {field.name: at for at, field in enumerate(FIELDS)}
RowAction = Literal["create", "update", "unchanged", "error"]


class ImportColumn(BaseModel):
    name: str
    samples: list[str]
    guessed_field: str | None
    confidence: float


class ImportCounts(BaseModel):
    """Rows by what they do."""

    create: int = 0
    update: int = 0
    unchanged: int = 0
    error: int = 0


class ImportCreations(BaseModel):
    """Units (by path) and positions that committing would create."""

    units: list[str] = []
    positions: list[str] = []


class ImportProblem(BaseModel):
    """Why the last step stopped."""

    code: str
    message: str
    hint: str | None


class Import(BaseModel):
    id: int
    kind: Literal["people"]
    state: ImportState
    file_name: str
    size_bytes: int
    encoding: str
    delimiter: str
    sheet: str
    rows_total: int
    rows_done: int
    columns: list[ImportColumn]
    mapping: dict[str, str]
    may_create_units: bool
    may_create_positions: bool
    counts: ImportCounts
    creations: ImportCreations
    is_skipping_errors: bool
    problem: ImportProblem | None
    created_at: datetime
    checked_at: datetime | None
    committed_at: datetime | None
    change_order_id: int | None


class Imports(BaseModel):
    items: list[Import]
    total: int
    next_cursor: str | None


class CellProblem(BaseModel):
    """`column` is the header in the file, or the field's name when no single column is meant."""

    column: str
    code: str
    message: str
    is_warning: bool


class FieldChange(BaseModel):
    field: str
    label: str
    before: str | None
    after: str | None


class CheckedRow(BaseModel):
    row_number: int
    action: RowAction
    cells: dict[str, str]
    errors: list[CellProblem]
    changes: list[FieldChange]


class CheckedRows(BaseModel):
    items: list[CheckedRow]
    total: int | None = None
    next_cursor: str | None


class FieldChoice(BaseModel):
    value: str
    label: str


class ImportField(BaseModel):
    name: str
    label: str
    group: Literal["person", "employment", "assignment", "private"]
    kind: str
    example: str
    choices: list[FieldChoice]
    is_required: bool


class ImportFields(BaseModel):
    items: list[ImportField]


def show_import(row: ImportRow, *, language: Language) -> Import:
    """An import; its problem is put into words."""
    values: dict[str, Any] = {name: row[name] for name in Import.model_fields if name in row}
    values["problem"] = _problem(row["problem"], language)
    return Import.model_validate(values)


def show_row(row: RowMapping, *, mapping: Mapping[str, str], language: Language) -> CheckedRow:
    """A checked row with its problems in words and its columns by their headers."""
    headers = {field: column for column, field in mapping.items()}
    return CheckedRow(
        row_number=row["row_number"],
        action=row["action"],
        cells=row["cells"],
        errors=[
            CellProblem(
                column=column_name(problem["column"], headers, language),
                code=problem["code"],
                message=say(problem["code"], problem.get("values", {}), language=language),
                is_warning=problem.get("warning", False),
            )
            for problem in row["problems"]
        ],
        changes=[
            FieldChange(
                field=change["field"],
                label=BY_NAME[change["field"]].label.in_language(language),
                before=_shown(change["field"], change["before"], language),
                after=_shown(change["field"], change["after"], language),
            )
            for change in sorted(row["changes"], key=lambda change: _ORDER[change["field"]])
        ],
    )


def show_fields(*, language: Language) -> ImportFields:
    """The catalogue of fields."""
    return ImportFields(items=[_show_field(field, language) for field in FIELDS])


def column_name(field: str, headers: Mapping[str, str], language: Language) -> str:
    """The header in the file for a field; names that came out of one column are traced back to it."""
    if field in headers or not field:
        return headers.get(field, "")
    script = field.rpartition("_")[2]
    whole = f"full_{script}"
    if whole in headers:
        return headers[whole]
    return BY_NAME[field].label.in_language(language) if field in BY_NAME else field


def _show_field(field: Field, language: Language) -> ImportField:
    return ImportField(
        name=field.name,
        label=field.label.in_language(language),
        group=field.group.value,
        kind=field.kind.value,
        example=field.example,
        choices=[
            FieldChoice(value=choice.code, label=choice.label.in_language(language))
            for choice in field.choices
        ],
        is_required=field.name == "employee_number",
    )


def _shown(field: str, value: str | None, language: Language) -> str | None:
    for choice in BY_NAME[field].choices:
        if choice.code == value:
            return choice.label.in_language(language)
    return value


def _problem(stored: Mapping[str, Any] | None, language: Language) -> ImportProblem | None:
    if stored is None:
        return None
    hint = stored.get("hint")
    return ImportProblem(
        code=stored["code"],
        message=stored["message"][language],
        hint=hint[language] if hint else None,
    )
