"""Reading the sample's scripts: INSERT statements are parsed as data, nothing is ever executed.

Only `INSERT INTO name VALUES (…), (…);` is understood; anything else in such a file is an error with its
place, because a row that was passed over silently would be a person who is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from hrx.kit.errors import Invalid, NotFound, Text

#: What the sample writes for "until further notice".
OPEN: Final = date(9999, 1, 1)

_HEAD = re.compile(r"\s*INSERT\s+INTO\s+(?:\w+\.)?(\w+)\s*(?:\([^)]*\)\s*)?VALUES\s*", re.I)
_VALUE = re.compile(r"\s*(?:(-?\d+)|'((?:[^']|'')*)'|(NULL))\s*", re.I)
_BETWEEN = re.compile(r"\s*(,|;|$)\s*")


class ScriptUnreadable(Invalid):
    """A script holds something else than the INSERT rows that are expected."""

    code = "employees.unreadable"


class ScriptMissing(NotFound):
    """The folder lacks one of the scripts."""

    code = "employees.missing_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Employee:
    number: int
    birth_on: date
    given: str
    family: str
    gender: str
    hired_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """Something that held for somebody from `start` until before `end`; `end` is OPEN while it lasts.

    `what` is a department's code (department and manager spells) or a title."""

    number: int
    what: str
    start: date
    end: date

    @property
    def is_empty(self) -> bool:
        return self.end <= self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Everything that the adapter reads; salaries are left out, the product does not keep them yet."""

    departments: dict[str, str]
    employees: list[Employee]
    posts: list[Spell]
    titles: list[Spell]
    managers: list[Spell]


def read_source(folder: Path) -> Source:
    """The five scripts of a folder. Raises ScriptMissing, ScriptUnreadable."""
    return Source(
        departments={str(row[0]): str(row[1]) for row in _read(folder, "load_department.sql", width=2)},
        employees=[_employee(row) for row in _read(folder, "load_employee.sql", width=6)],
        posts=[_spell(row) for row in _read(folder, "load_dept_emp.sql", width=4)],
        titles=[_spell(row) for row in _read(folder, "load_title.sql", width=4)],
        managers=[_spell(row) for row in _read(folder, "load_dept_manager.sql", width=4)],
    )


def parse_inserts(script: str, *, name: str) -> Iterator[tuple[int | str | None, ...]]:
    """The rows of every INSERT statement in a script. Raises ScriptUnreadable with the line."""
    at = 0
    while script[at:].strip():
        head = _HEAD.match(script, at)
        if head is None:
            raise _unreadable(script, at, name)
        at = head.end()
        is_last = False
        while not is_last:
            row, at = _parse_row(script, at, name)
            yield row
            between = _BETWEEN.match(script, at)
            if between is None:
                raise _unreadable(script, at, name)
            at = between.end()
            is_last = between.group(1) != ","


def _parse_row(script: str, at: int, name: str) -> tuple[tuple[int | str | None, ...], int]:
    if not script.startswith("(", at):
        raise _unreadable(script, at, name)
    values: list[int | str | None] = []
    at += 1
    while True:
        value = _VALUE.match(script, at)
        if value is None:
            raise _unreadable(script, at, name)
        number, quoted, _ = value.groups()
        values.append(int(number) if number is not None else quoted and quoted.replace("''", "'"))
        at = value.end()
        if script.startswith(",", at):
            at += 1
        elif script.startswith(")", at):
            return tuple(values), at + 1
        else:
            raise _unreadable(script, at, name)


def _read(folder: Path, name: str, *, width: int) -> list[tuple[int | str | None, ...]]:
    try:
        script = (folder / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ScriptMissing(
            Text(ja=f"{name} が {folder} にありません。", en=f"{folder} has no {name}."),
            hint=Text(
                ja="examples/employees_10k/README.md を見てください。",
                en="See examples/employees_10k/README.md.",
            ),
        ) from None
    rows = list(parse_inserts(script, name=name))
    for row in rows:
        if len(row) != width:
            raise ScriptUnreadable(
                Text(
                    ja=f"{name}: {row} は{width}列ではありません。",
                    en=f"{name}: {row} has not {width} values.",
                )
            )
    return rows


def _employee(row: tuple[int | str | None, ...]) -> Employee:
    number, birth, given, family, gender, hired = row
    return Employee(
        number=int(str(number)),
        birth_on=_day(birth),
        given=str(given),
        family=str(family),
        gender=str(gender),
        hired_on=_day(hired),
    )


def _spell(row: tuple[int | str | None, ...]) -> Spell:
    number, what, start, end = row
    # The scripts' own table lets a title end at NULL, which means the same as 9999-01-01.
    return Spell(
        number=int(str(number)), what=str(what), start=_day(start), end=OPEN if end is None else _day(end)
    )


def _day(value: int | str | None) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ScriptUnreadable(
            Text(ja=f"「{value}」は日付ではありません。", en=f"“{value}” is not a date.")
        ) from None


def _unreadable(script: str, at: int, name: str) -> ScriptUnreadable:
    line = script.count("\n", 0, at) + 1
    found = script[at : at + 30].splitlines()[0] if script[at : at + 30].strip() else ""
    return ScriptUnreadable(
        Text(
            ja=f"{name} の{line}行目を読めません: {found}", en=f"{name}, line {line} cannot be read: {found}"
        )
    )
