"""Whether every page of every table can be read, and whether one of them has silently become empty.

PostgreSQL verifies a page's checksum when it reads it, so a count without an index reads and verifies every
page of the rows (out-of-line values and the catalogue included). A page of zeros is valid to PostgreSQL, and
its rows are simply gone: no checksum, no manifest and no amcheck sees that. An index still counts them: where
a page is marked as visible to all (by vacuum, minutes after its last change), an index-only count does not
visit it, and the two counts differ.

Blind spots, on purpose said: rows of a lost page that was changed after the last vacuum (`references` still
sees those that others point at), tables without a usable index, and pages of an index that was not chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.recovery.checks.findings import Finding, name_some
from hrx.ops.seams.sessions import Session, SessionLost

_TITLE: Final = Text(ja="表とページ", en="Tables and pages")
# Last: whether it has a valid btree over every row, whose count must be that of the rows.
_RELATIONS: Final = """
SELECT c.oid::regclass::text, pg_relation_size(c.oid),
       EXISTS (SELECT FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
               JOIN pg_am AS a ON a.oid = x.relam
               WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND a.amname = 'btree')
FROM pg_class AS c
WHERE c.relkind IN ('r', 'm', 't') AND c.relpersistence = 'p'
ORDER BY pg_relation_size(c.oid) DESC, c.oid
"""
_BY_ROWS: Final = "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off"
_BY_INDEX: Final = "SET LOCAL enable_seqscan = off"
_INVALID: Final = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid OR NOT indisready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Rows of one table by reading them, and by its index (None where no index could be used)."""

    table: str
    rows: int
    by_index: int | None

    @property
    def is_lost(self) -> bool:
        """An index knows of rows that are not there, or the reverse."""
        return self.by_index is not None and self.by_index != self.rows


def check_pages(session: Session) -> Finding:
    """Reads every table both ways. Raises SessionLost only when the server is gone."""
    counted: list[Counted] = []
    unreadable: list[str] = []
    read_bytes = 0
    for table, size, has_index in session.rows(_RELATIONS):
        read_bytes += size
        try:
            counted.append(count_both_ways(session, table, has_index=has_index))
        except SessionLost as error:
            # Still there? Then it was this table: a checksum, or a row that cannot be read.
            session.row("SELECT 1")
            unreadable.append(f"{table} ({error.message.en.partition(': ')[2]})")
    invalid = [name for (name,) in session.rows(_INVALID)]
    lost = [one for one in counted if one.is_lost]
    figures: dict[str, int | float | str] = {
        "tables": len(counted),
        "rows": sum(one.rows for one in counted),
        "bytes": read_bytes,
        "unreadable_tables": len(unreadable),
        "tables_with_lost_rows": len(lost),
        "lost_rows": sum(abs((one.by_index or 0) - one.rows) for one in lost),
        "invalid_indexes": len(invalid),
    }
    if unreadable:
        named = name_some(unreadable)
        said = Text(ja=f"読めないページがあります: {named.ja}", en=f"Pages cannot be read: {named.en}")
    elif lost:
        named = name_some([f"{one.table} {one.rows}/{one.by_index}" for one in lost])
        said = Text(
            ja=f"索引にある行が表にありません(実際の行数/索引の行数): {named.ja}",
            en=f"Rows that an index knows are gone (rows there/rows by index): {named.en}",
        )
    elif invalid:
        named = name_some(invalid)
        said = Text(ja=f"使えない索引があります: {named.ja}", en=f"Indexes are not usable: {named.en}")
    else:
        said = Text(
            ja=f"{len(counted)} 個の表、{figures['rows']:,} 行をすべて読み、索引の行数とも一致しました",
            en=f"All {figures['rows']:,} rows of {len(counted)} tables were read and agree with the indexes",
        )
    return Finding(
        code="pages",
        is_well=not (unreadable or lost or invalid),
        title=_TITLE,
        said=said,
        figures=figures,
    )


def count_both_ways(session: Session, table: str, *, has_index: bool) -> Counted:
    """`table` as `regclass` prints it. Both counts see the same moment. Raises SessionLost."""
    with session.transaction():
        session.row("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        session.row("SET LOCAL enable_bitmapscan = off")
        session.rows(_BY_ROWS)
        rows = _count(session, table)
        if not has_index:
            return Counted(table=table, rows=rows, by_index=None)
        session.rows("SET LOCAL enable_indexonlyscan = on; SET LOCAL enable_indexscan = on")
        session.rows(_BY_INDEX)
        return Counted(table=table, rows=rows, by_index=_count(session, table))


def _count(session: Session, table: str) -> int:
    row = session.row(f"SELECT count(*) FROM {table}")  # noqa: S608 - a name from the catalogue, quoted by it
    return int(row[0]) if row else 0
