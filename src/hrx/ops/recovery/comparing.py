"""What a switch to a copy would lose and bring back: every table and tenant, copy against living system.

Each server works out a digest of every row; only keys and digests travel, in the order of the keys, so that
memory stays the same however large a table is. Tables whose digests agree as a whole are not streamed at all.
No value of a row is kept, told or logged: counts, names of tables, numbers of tenants, moments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.seams.sessions import Session

#: Schemas with the product's data. `gate` counts sign-in attempts and is not worth bringing back.
SCHEMAS: Final = ("app", "jobs")
#: Columns that tell when a row was written or last changed, the first that a table has.
_CHANGED_AT: Final = (
    "updated_at",
    "applied_at",
    "last_seen_at",
    "sealed_at",
    "requested_at",
    "at",
    "created_at",
)
#: Rows must print the same on both servers whatever a session or database has set.
_SAME_TEXT: Final = (
    "SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET intervalstyle = 'postgres';"
    " SET extra_float_digits = 1; SET bytea_output = 'hex'; SET row_security = off; SET statement_timeout = 0"
)
_TABLES: Final = """
SELECT c.oid::regclass::text,
       (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
       (SELECT array_agg(a.attname::text ORDER BY u.n) FROM pg_index AS i
        CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS u (attnum, n)
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
        WHERE i.indrelid = c.oid AND i.indisprimary),
       (SELECT count(*) = 1 AND bool_and(a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype))
        FROM pg_index AS i CROSS JOIN LATERAL unnest(i.indkey) AS u (attnum)
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
        WHERE i.indrelid = c.oid AND i.indisprimary)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind = 'r'
ORDER BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """Rows that are only in the living system (lost by a switch), only in the copy (they come back), in both
    but different (they go back to what they were)."""

    lost: int = 0
    regained: int = 0
    changed: int = 0

    @property
    def total(self) -> int:
        return self.lost + self.regained + self.changed

    def __add__(self, other: RowCounts) -> RowCounts:
        return RowCounts(
            lost=self.lost + other.lost,
            regained=self.regained + other.regained,
            changed=self.changed + other.changed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDifference:
    """One table. `by_tenant`: None is rows of no tenant. Times are those of the newest row where the table
    has a column that tells."""

    table: str
    rows_living: int
    rows_copy: int
    counts: RowCounts
    by_tenant: Mapping[int | None, RowCounts]
    newest_living: datetime | None
    newest_copy: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`is_living_known` False: the living server is gone, so nothing is lost that is not lost already.

    `only_living`, `only_copy`: tables and columns that one side alone has (a migration lies between)."""

    is_living_known: bool
    tables: tuple[TableDifference, ...] = ()
    only_living: tuple[str, ...] = ()
    only_copy: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def counts(self) -> RowCounts:
        return sum((one.counts for one in self.tables), RowCounts())

    @property
    def differing(self) -> tuple[TableDifference, ...]:
        return tuple(one for one in self.tables if one.counts.total)

    @property
    def by_tenant(self) -> dict[int | None, RowCounts]:
        """Of each tenant with any difference, over all tables."""
        found: defaultdict[int | None, RowCounts] = defaultdict(RowCounts)
        for one in self.tables:
            for tenant, counts in one.by_tenant.items():
                found[tenant] += counts
        return dict(found)

    def as_dict(self) -> dict[str, object]:
        """Plain JSON for the ledger and `--json`; nothing in it comes out of a row but tenant numbers."""
        return {
            "is_living_known": self.is_living_known,
            "lost": self.counts.lost,
            "regained": self.counts.regained,
            "changed": self.counts.changed,
            "only_living": list(self.only_living),
            "only_copy": list(self.only_copy),
            "seconds": self.seconds,
            "tables": [
                {
                    "table": one.table,
                    "rows_living": one.rows_living,
                    "rows_copy": one.rows_copy,
                    "newest_living": one.newest_living.isoformat() if one.newest_living else None,
                    "newest_copy": one.newest_copy.isoformat() if one.newest_copy else None,
                    "tenants": {
                        str(tenant): {"lost": n.lost, "regained": n.regained, "changed": n.changed}
                        for tenant, n in one.by_tenant.items()
                    },
                }
                for one in self.differing
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    has_number_key: bool

    @property
    def tenant(self) -> str:
        return (
            "tenant_id"
            if "tenant_id" in self.columns
            else "id"
            if self.name == "app.tenant"
            else "NULL::bigint"
        )

    def digest(self, columns: tuple[str, ...]) -> str:
        """A number of 64 bits for the whole row; two different rows share it once in 10^19."""
        return f"hashtextextended(ROW({', '.join(map(_quote, columns))})::text, 0)"

    @property
    def ordered_key(self) -> str:
        """An expression that both servers order as Python does."""
        if self.has_number_key:
            return _quote(self.key[0])
        parts = ", ".join(f"{_quote(one)}::text" for one in self.key)
        return f"encode(convert_to(concat_ws(chr(1), {parts}), 'UTF8'), 'hex') COLLATE \"C\""


@dataclass(frozen=True, slots=True)
class _Whole:
    rows: int
    digest: int
    newest: datetime | None


def compare(copy: Session, living: Session | None, *, schemas: tuple[str, ...] = SCHEMAS) -> Comparison:
    """Copy against living system; changes neither. Both sessions see every tenant: a superuser's, or a role
    past row-level security; any other is refused by the server, never answered with half the rows.

    `living` None: the living server is gone. Writes that go on meanwhile are seen as of one moment. Raises
    SessionLost."""
    if living is None:
        return Comparison(is_living_known=False)
    began = clock.monotonic_s()
    for session in (copy, living):
        session.rows(_SAME_TEXT)
    with copy.transaction(), living.transaction():
        for session in (copy, living):
            session.row("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        there, here = _list_tables(copy, schemas), _list_tables(living, schemas)
        tables = tuple(
            _compare_table(copy, living, of_copy=there[name], of_living=here[name])
            for name in sorted(there.keys() & here.keys())
            if here[name].key == there[name].key and here[name].key
        )
    return Comparison(
        is_living_known=True,
        tables=tables,
        only_living=_only_in(here, there),
        only_copy=_only_in(there, here),
        seconds=round(clock.monotonic_s() - began, 3),
    )


def tell_comparison(found: Comparison) -> Text:
    """One sentence for plans, screens and the ledger."""
    if not found.is_living_known:
        return Text(
            ja="現行のデータベースは読めないので比べられません。この写しより後の変更は、すでに失われています",
            en="The living database cannot be read, so nothing is compared:"
            " what came after this copy is lost already",
        )
    n = found.counts
    if not n.total:
        return Text(ja="現行と写しに違いはありません", en="Living system and copy hold the same rows")
    tenants = len(found.by_tenant)
    return Text(
        ja=f"切り替えると、{n.lost:,} 行を失い、{n.regained:,} 行が戻り、"
        f"{n.changed:,} 行が以前の内容になります"
        f"({len(found.differing)} 個の表、{tenants} テナント)",
        en=f"A switch would lose {n.lost:,} rows, bring back {n.regained:,} and set {n.changed:,} back"
        f" to what they were ({len(found.differing)} tables, {tenants} tenants)",
    )


def _list_tables(session: Session, schemas: tuple[str, ...]) -> dict[str, _Table]:
    return {
        name: _Table(
            name=name, columns=tuple(columns), key=tuple(key or ()), has_number_key=bool(has_number_key)
        )
        for name, columns, key, has_number_key in session.rows(_TABLES, {"schemas": list(schemas)})
    }


def _only_in(one: Mapping[str, _Table], other: Mapping[str, _Table]) -> tuple[str, ...]:
    """Tables and `table.column` that the other side does not have, and tables that cannot be compared."""
    found = []
    for name, table in one.items():
        if name not in other or not table.key or table.key != other[name].key:
            found.append(name)
        else:
            found.extend(f"{name}.{column}" for column in table.columns if column not in other[name].columns)
    return tuple(found)


def _compare_table(copy: Session, living: Session, *, of_copy: _Table, of_living: _Table) -> TableDifference:
    columns = tuple(one for one in of_copy.columns if one in of_living.columns)
    in_copy, in_living = _weigh(copy, of_copy, columns), _weigh(living, of_living, columns)
    by_tenant: defaultdict[int | None, RowCounts] = defaultdict(RowCounts)
    differing = {
        tenant for tenant in in_copy.keys() | in_living.keys() if in_copy.get(tenant) != in_living.get(tenant)
    }
    if differing:
        for tenant, counts in _merge(
            _stream(copy, of_copy, columns, differing), _stream(living, of_living, columns, differing)
        ):
            by_tenant[tenant] += counts
    return TableDifference(
        table=of_living.name,
        rows_living=sum(one.rows for one in in_living.values()),
        rows_copy=sum(one.rows for one in in_copy.values()),
        counts=sum(by_tenant.values(), RowCounts()),
        by_tenant=dict(by_tenant),
        newest_living=max((one.newest for one in in_living.values() if one.newest), default=None),
        newest_copy=max((one.newest for one in in_copy.values() if one.newest), default=None),
    )


def _weigh(session: Session, table: _Table, columns: tuple[str, ...]) -> dict[int | None, _Whole]:
    """Rows, the exclusive or of their digests, and the newest moment, by tenant."""
    newest = next((f"max({_quote(one)})" for one in _CHANGED_AT if one in columns), None)
    if newest is None:
        newest = "max(lower(known))" if "known" in columns else "NULL::timestamptz"
    rows = session.rows(
        f"SELECT {table.tenant}, count(*), bit_xor({table.digest(columns)}), {newest}"  # noqa: S608 - catalogue
        f" FROM {table.name} GROUP BY 1"
    )
    return {tenant: _Whole(rows=n, digest=digest, newest=at) for tenant, n, digest, at in rows}


_Row = tuple[int | str, int | None, int]


def _stream(
    session: Session, table: _Table, columns: tuple[str, ...], tenants: set[int | None]
) -> Iterator[_Row]:
    """Key, tenant and digest of each row of these tenants, in the order of the keys."""
    known = ", ".join(str(int(one)) for one in tenants if one is not None)
    chosen = [f"{table.tenant} IN ({known})"] if known else []
    if None in tenants:
        chosen.append(f"{table.tenant} IS NULL")
    statement = (
        f"COPY (SELECT {table.ordered_key}, coalesce({table.tenant}::text, ''), {table.digest(columns)}"  # noqa: S608
        f" FROM {table.name} WHERE {' OR '.join(chosen)} ORDER BY 1) TO STDOUT"
    )
    for line in _lines(session.copy_out(statement)):
        key, tenant, digest = line.split(b"\t")
        yield (
            int(key) if table.has_number_key else key.decode(),
            int(tenant) if tenant else None,
            int(digest),
        )


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        yield from whole


@dataclass(slots=True)
class _Side:
    """One ordered stream with its next row in hand; None when it is over."""

    rows: Iterator[_Row]
    next: _Row | None = field(init=False)

    def __post_init__(self) -> None:
        self.take()

    def take(self) -> None:
        self.next = next(self.rows, None)


_LOST: Final = RowCounts(lost=1)
_REGAINED: Final = RowCounts(regained=1)
_CHANGED: Final = RowCounts(changed=1)


def _merge(of_copy: Iterator[_Row], of_living: Iterator[_Row]) -> Iterator[tuple[int | None, RowCounts]]:
    """Each row that is not the same on both sides, with its tenant."""
    copy, living = _Side(of_copy), _Side(of_living)
    while copy.next is not None or living.next is not None:
        if living.next is None or (copy.next is not None and _is_before(copy.next, living.next)):
            assert copy.next is not None  # noqa: S101 - the loop's own condition, for the type checker
            yield copy.next[1], _REGAINED
            copy.take()
        elif copy.next is None or _is_before(living.next, copy.next):
            yield living.next[1], _LOST
            living.take()
        else:
            if copy.next[2] != living.next[2]:
                yield living.next[1], _CHANGED
            copy.take()
            living.take()


def _is_before(one: _Row, other: _Row) -> bool:
    # Keys of one table are all numbers or all text.
    return one[0] < other[0]  # type: ignore[operator]


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
