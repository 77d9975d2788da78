"""Many rows with one statement: arrays in, rows out.

COPY cannot be used here: PostgreSQL refuses it on tables with row-level security. `INSERT … SELECT FROM
unnest(arrays)` keeps every policy, check and trigger, and needs one round trip for thousands of rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

#: Rows of one statement.
BATCH: Final = 5_000
#: PostgreSQL's type of a column; "daterange" columns are given as two arrays named `<column>_from`, `_until`.
Column = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Some rows of one table, ready to be sent."""

    table: str
    rows: int
    statement: TextClause
    values: Mapping[str, str]


def prepare_inserts(
    table: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]], *, on_conflict: str = ""
) -> Iterator[Load]:
    """Inserts of `rows` into app.`table`, BATCH at a time; their values are in the order of `columns`.

    A column of type daterange takes two values, its first day and the day after its last one (None: open)."""
    statement = _insert(table, tuple(columns), on_conflict)
    names = [name for name, _ in _flat(columns)]
    for at in range(0, len(rows), BATCH):
        batch = rows[at : at + BATCH]
        values = dict(zip(names, map(array_literal, zip(*batch, strict=True)), strict=True))
        yield Load(table=table, rows=len(batch), statement=statement, values=values)


async def run_loads(
    session: AsyncSession, loads: Iterator[Load], *, after_load: Callable[[Load], None] | None = None
) -> None:
    """Run them in order; while PostgreSQL works on one, a thread prepares the next."""
    upcoming = asyncio.create_task(asyncio.to_thread(next, loads, None))
    try:
        while (load := await upcoming) is not None:
            upcoming = asyncio.create_task(asyncio.to_thread(next, loads, None))
            await session.execute(load.statement, load.values)
            if after_load is not None:
                after_load(load)
    finally:
        # After a failure the thread may still be at work.
        await asyncio.wait([upcoming])


async def insert_rows(
    session: AsyncSession, table: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows that are at hand; see `prepare_inserts`."""
    await run_loads(session, prepare_inserts(table, columns, rows))


async def take_ids(session: AsyncSession, table: str, count: int) -> Iterator[int]:
    """`count` fresh ids of app.`table`, so that rows can refer to each other before they are written."""
    if count == 0:
        return iter(())
    found = await session.scalars(
        text("SELECT nextval(CAST(:sequence AS regclass)) FROM generate_series(1, :count)"),
        {"sequence": f"app.{table}_id_seq", "count": count},
    )
    return iter(found.all())


async def run_batched(
    session: AsyncSession,
    statement: TextClause,
    columns: Mapping[str, Sequence[Any]],
    **constants: object,
) -> int:
    """Run a statement over parallel arrays, BATCH values at a time; gives how many rows it touched."""
    length = len(next(iter(columns.values())))
    touched = 0
    for at in range(0, length, BATCH):
        batch = {name: list(values[at : at + BATCH]) for name, values in columns.items()}
        result = await session.execute(statement, {**batch, **constants})
        touched += getattr(result, "rowcount", 0)
    return touched


def array_literal(values: Sequence[Any]) -> str:
    """An array as PostgreSQL reads it, so that the driver binds one text instead of thousands of values.

    The driver's own arrays took a third of an import's CPU in the worker (measured)."""
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, int | Decimal | date):
        return f'"{value}"'
    raise TypeError(f"no array of {type(value).__name__}")


def _flat(columns: Sequence[Column]) -> list[Column]:
    flat: list[Column] = []
    for name, kind in columns:
        if kind == "daterange":
            flat += [(f"{name}_from", "date"), (f"{name}_until", "date")]
        else:
            flat.append((name, kind))
    return flat


@lru_cache(maxsize=64)
def _insert(table: str, columns: tuple[Column, ...], on_conflict: str) -> TextClause:
    """Names come from this package only; what people gave is bound."""
    flat = _flat(columns)
    selected = ", ".join(
        f"daterange(x.{name}_from, x.{name}_until)" if kind == "daterange" else f"x.{name}"
        for name, kind in columns
    )
    return text(
        f"INSERT INTO app.{table} ({', '.join(name for name, _ in columns)})"  # noqa: S608
        f" SELECT {selected}"
        f" FROM unnest({', '.join(f'CAST(:{name} AS {kind}[])' for name, kind in flat)})"
        f" AS x ({', '.join(name for name, _ in flat)}) {on_conflict}"
    )
