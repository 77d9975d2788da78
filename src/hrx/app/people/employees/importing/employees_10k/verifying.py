"""Does the record say what the files say? Org charts on random days against a naive replay of the scripts.

The replay shares no code with the adapter: it reads the files in its own way and walks every row for every
day. Also counted: the department spells and title spells that can be put together again from the posts."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import TenantId, system_principal

#: (department, employee number, title, number of the manager) of everybody on one day.
Chart = frozenset[tuple[str, str, str | None, str | None]]
Heads = frozenset[tuple[str, str]]
Tuples = list[tuple[object, ...]]

_CHART: Final = text(
    "SELECT u.code, p.employee_number, pv.title_ja, m.employee_number"
    " FROM app.assignment AS a"
    " JOIN app.person AS p ON p.id = a.person_id"
    " JOIN app.org_unit AS u ON u.id = a.org_unit_id"
    " LEFT JOIN app.position_version AS pv"
    "   ON pv.position_id = a.position_id AND upper_inf(pv.known) AND pv.valid @> CAST(:day AS date)"
    " LEFT JOIN app.person AS m ON m.id = a.manager_person_id"
    " WHERE upper_inf(a.known) AND a.valid @> CAST(:day AS date)"
)
_HEADS: Final = text(
    "SELECT u.code, p.employee_number FROM app.org_unit_version AS v"
    " JOIN app.org_unit AS u ON u.id = v.org_unit_id JOIN app.person AS p ON p.id = v.head_person_id"
    " WHERE upper_inf(v.known) AND v.valid @> CAST(:day AS date)"
)
_SPANS: Final = text(
    "SELECT p.employee_number, u.code, pv.title_ja, lower(a.valid), upper(a.valid)"
    " FROM app.assignment AS a"
    " JOIN app.person AS p ON p.id = a.person_id JOIN app.org_unit AS u ON u.id = a.org_unit_id"
    " LEFT JOIN app.position_version AS pv"
    "   ON pv.position_id = a.position_id AND upper_inf(pv.known) AND pv.valid @> lower(a.valid)"
    " WHERE upper_inf(a.known) ORDER BY p.employee_number, lower(a.valid)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How many days were compared, and what differed on the first that did."""

    days: int
    people_seen: int
    different: tuple[date, ...]
    first_difference: tuple[str, ...]
    people: tuple[int, int]
    department_spells: tuple[int, int]
    title_spells: tuple[int, int]

    @property
    def is_equal(self) -> bool:
        pairs = (self.people, self.department_spells, self.title_spells)
        return not self.different and all(source == record for source, record in pairs)


async def verify(
    database: Database, *, tenant_id: TenantId, folder: Path, days: int = 100, seed: int = 20_260_401
) -> Verdict:
    """Compare `days` random days, the first and last of some spells among them, and the counts."""
    replay = NaiveReplay(folder)
    chosen = replay.pick_days(days, random.Random(seed))  # noqa: S311 - a sample, not a secret.
    different: list[date] = []
    first: tuple[str, ...] = ()
    seen = 0
    async with database.transaction(system_principal(tenant_id)) as session:
        for day in chosen:
            expected, heads = replay.chart(day), replay.heads(day)
            found = frozenset(tuple(row) for row in (await session.execute(_CHART, {"day": day})).all())
            found_heads = frozenset(tuple(row) for row in (await session.execute(_HEADS, {"day": day})).all())
            seen += len(found)
            if (found, found_heads) != (expected, heads):
                different.append(day)
                odd = sorted(map(str, (expected ^ found) | (heads ^ found_heads)))
                first = first or (day.isoformat(), *odd[:10])
        counted = await _count_spans(session)
        people = int(await session.scalar(text("SELECT count(*) FROM app.person")) or 0)
    return Verdict(
        days=len(chosen),
        people_seen=seen,
        different=tuple(different),
        first_difference=first,
        people=(len(replay.employees), people),
        department_spells=(replay.count_spells(replay.posts), counted[0]),
        title_spells=(replay.count_spells(replay.titles), counted[1]),
    )


class NaiveReplay:
    """The files, read line by line as Python literals, and asked row by row."""

    def __init__(self, folder: Path) -> None:
        self.employees = _tuples(folder / "load_employee.sql")
        self.posts = _tuples(folder / "load_dept_emp.sql")
        self.titles = _tuples(folder / "load_title.sql")
        self.managers = _tuples(folder / "load_dept_manager.sql")

    def chart(self, day: date) -> Chart:
        """Everybody in a department on a day, with title and manager, as the files say."""
        today = day.isoformat()
        titles = {row[0]: row[1] for row in self.titles if _holds(row, today)}
        leaders = {row[1]: row[0] for row in self.managers if _holds(row, today)}
        return frozenset(
            (
                str(row[1]),
                str(row[0]),
                _text(titles.get(row[0])),
                None if row[0] in leaders.values() else _text(leaders.get(row[1])),
            )
            for row in self.posts
            if _holds(row, today)
        )

    def heads(self, day: date) -> Heads:
        today = day.isoformat()
        return frozenset((str(row[1]), str(row[0])) for row in self.managers if _holds(row, today))

    def count_spells(self, rows: Tuples) -> int:
        """Spells of at least one day."""
        return sum(1 for row in rows if str(row[2]) < str(row[3]))

    def pick_days(self, count: int, chance: random.Random) -> list[date]:
        """Half on the very days on which something begins or ends, half anywhere in the years between."""
        edges = [date.fromisoformat(str(row[2])) for row in (*self.posts, *self.titles, *self.managers)]
        first, last = min(edges), max(edges) + timedelta(days=400)
        anywhere = [first + timedelta(days=chance.randrange((last - first).days)) for _ in range(count // 2)]
        return [*anywhere, *(chance.choice(edges) for _ in range(count - len(anywhere)))]


def _holds(row: tuple[object, ...], today: str) -> bool:
    """ISO days compare as text; 9999-01-01 is later than any."""
    return str(row[2]) <= today < str(row[3])


def _tuples(path: Path) -> Tuples:
    rows: Tuples = []
    for line in path.read_text(encoding="utf-8").splitlines():
        start = line.find("(")
        if start >= 0:
            literal = line[start : line.rindex(")") + 1].replace("''", "\\'").replace("NULL", "'9999-01-01'")
            rows.append(ast.literal_eval(literal))
    return rows


def _text(value: object) -> str | None:
    return None if value is None else str(value)


async def _count_spans(session: AsyncSession) -> tuple[int, int]:
    """Department and title spells, with posts that were cut for other reasons put together again."""
    rows = (await session.execute(_SPANS)).all()
    return (
        _count_islands((row[0], row[1], row[3], row[4]) for row in rows),
        _count_islands((row[0], row[2], row[3], row[4]) for row in rows if row[2] is not None),
    )


def _count_islands(rows: Iterable[tuple[str, str, date, date | None]]) -> int:
    """Runs of the same person and thing without a day between, whatever else overlaps them."""
    count = 0
    last: tuple[str, str] | None = None
    reach: date = date.min
    for who, what, start, end in sorted(rows, key=lambda row: row[:3]):
        if (who, what) != last or start > reach:
            count += 1
            reach = date.min
        last = (who, what)
        reach = max(reach, end or date.max)
    return count
