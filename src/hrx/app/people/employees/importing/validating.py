"""Every row of a table against its mapping: cells become values, and whatever is wrong is written down.

Pure. A row is never dropped here: it keeps its number, its values and its problems, and planning decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from hrx.app.people.employees.importing.cells import Parsed, Value, parse_cell
from hrx.app.people.employees.importing.fields import BY_NAME, Field
from hrx.app.people.employees.importing.problems import Problem
from hrx.app.people.employees.importing.reading import Table

#: Values that many rows share are parsed once each, as long as a column has no more different ones than this:
#: the rest would only fill memory.
_MAX_SHARED: Final = 10_000


@dataclass(slots=True)
class ParsedRow:
    """One row. A field is absent from `values` when its cell was blank, and None when it is to be emptied."""

    number: int
    values: dict[str, Value] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return all(problem.is_warning for problem in self.problems)

    def refuse(self, column: str, code: str, **values: str) -> None:
        self.problems.append(Problem(column=column, code=code, values=values))

    def require(self, column: str) -> None:
        """Refuse a cell as missing, unless it was refused already: what could not be read is not missing."""
        if not any(problem.column == column for problem in self.problems):
            self.refuse(column, "cell.required")

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def day(self, name: str) -> date | None:
        value = self.values.get(name)
        return value if isinstance(value, date) else None


@dataclass(slots=True)
class _Column:
    """One mapped column with the values it has seen."""

    index: int
    described: Field
    seen: dict[str, Parsed | None] = field(default_factory=dict)

    def parse(self, raw: str) -> Parsed | None:
        if raw in self.seen:
            return self.seen[raw]
        parsed = parse_cell(raw, field=self.described)
        if len(self.seen) < _MAX_SHARED:
            self.seen[raw] = parsed
        return parsed


def parse_rows(
    table: Table, mapping: Mapping[str, str], *, on_progress: Callable[[int], None] | None = None
) -> list[ParsedRow]:
    """All rows that are not blank, in file order. `on_progress` hears the count every 1,000 rows."""
    columns = _columns(table.header, mapping)
    parsed: list[ParsedRow] = []
    for number, cells in _filled_rows(table):
        row = ParsedRow(number)
        _check_width(row, cells, columns, width=len(table.header))
        for column in columns:
            raw = cells[column.index] if column.index < len(cells) else ""
            if raw:
                _take(row, column.parse(raw), name=column.described.name)
        _split_names(row)
        parsed.append(row)
        if on_progress is not None and len(parsed) % 1000 == 0:
            on_progress(len(parsed))
    return parsed


def raw_cells(table: Table, mapping: Mapping[str, str]) -> Callable[[int], dict[str, str]]:
    """What the file says in a row, by field, for showing beside the problems (NUL shown as ␀)."""
    mapped = [(index, mapping[name]) for index, name in enumerate(table.header) if name in mapping]

    def cells_of(number: int) -> dict[str, str]:
        cells = table.rows[number - table.first_row_number]
        return {
            name: cells[index].replace("\x00", "␀")[:500]
            for index, name in mapped
            if index < len(cells) and cells[index]
        }

    return cells_of


def _columns(header: Sequence[str], mapping: Mapping[str, str]) -> list[_Column]:
    return [_Column(index, BY_NAME[mapping[name]]) for index, name in enumerate(header) if name in mapping]


def _filled_rows(table: Table) -> Iterator[tuple[int, Sequence[str]]]:
    for offset, cells in enumerate(table.rows):
        if any(map(str.strip, cells)):
            yield table.first_row_number + offset, cells


def _check_width(row: ParsedRow, cells: Sequence[str], columns: Iterable[_Column], *, width: int) -> None:
    """Extra filled cells, or cells missing where a mapped column should be, mean that columns slipped."""
    if len(cells) == width:
        return
    shape = {"expected": str(width), "found": str(len(cells))}
    if any(cell.strip() for cell in cells[width:]):
        row.refuse("", "row.too_many_cells", **shape)
    elif any(column.index >= len(cells) for column in columns):
        row.refuse("", "row.too_few_cells", **shape)


def _take(row: ParsedRow, parsed: Parsed | None, *, name: str) -> None:
    if parsed is None:
        return
    if parsed.problem is not None:
        row.problems.append(parsed.problem)
        return
    if parsed.warning is not None:
        row.problems.append(parsed.warning)
    row.values[name] = None if parsed.is_cleared else parsed.value


def _split_names(row: ParsedRow) -> None:
    """氏名 and フリガナ in one column become family and given; separate columns win where both exist."""
    for whole, family, given in (
        ("full_kanji", "family_kanji", "given_kanji"),
        ("full_kana", "family_kana", "given_kana"),
    ):
        name = row.values.pop(whole, None)
        if not isinstance(name, str) or family in row.values:
            continue
        if whole == "full_kanji" and name.isascii():
            family, given, name = "family_latin", "given_latin", _family_first(name)
            if family in row.values:
                continue
        first, _, rest = name.partition(" ")
        if not rest:
            row.refuse(whole, "name.no_space")
        row.values[family], row.values[given] = first, rest


def _family_first(name: str) -> str:
    """Latin names are written given name first, unless a comma says otherwise."""
    if "," in name:
        return name.replace(",", " ").replace("  ", " ").strip()
    given, _, family = name.rpartition(" ")
    return f"{family} {given}" if given else name
