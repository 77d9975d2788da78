"""Whether every foreign key still finds its row, and every sequence is beyond the ids it gave.

The server forces both while it writes; after bits or pages were lost nothing does."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import Text
from hrx.ops.recovery.checks.findings import Finding, name_some
from hrx.ops.seams.sessions import Session

_KEYS: Final = """
SELECT k.conname, k.conrelid::regclass::text, k.confrelid::regclass::text,
       (SELECT array_agg(quote_ident(a.attname) ORDER BY u.n)
        FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, n)
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum),
       (SELECT array_agg(quote_ident(a.attname) ORDER BY u.n)
        FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, n)
        JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.attnum)
FROM pg_constraint AS k WHERE k.contype = 'f' ORDER BY k.conrelid::regclass::text, k.conname
"""
_SEQUENCES: Final = """
SELECT d.objid::regclass::text, d.refobjid::regclass::text, quote_ident(a.attname)
FROM pg_depend AS d
JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
ORDER BY 1
"""


def check_references(session: Session) -> Finding:
    """Rows are read themselves, never an index for them: an index may know rows that are gone."""
    orphans: list[str] = []
    keys = session.rows(_KEYS)
    total = 0
    with session.transaction():
        session.rows(
            "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off;"
            " SET LOCAL enable_bitmapscan = off; SET LOCAL enable_nestloop = off"
        )
        for name, child, parent, columns, targets in keys:
            there = " AND ".join(f"c.{column} IS NOT NULL" for column in columns)
            same = " AND ".join(
                f"p.{target} = c.{column}" for column, target in zip(columns, targets, strict=True)
            )
            row = session.row(
                f"SELECT count(*) FROM {child} AS c"  # noqa: S608 - names from the catalogue, quoted by it
                f" WHERE {there} AND NOT EXISTS (SELECT FROM {parent} AS p WHERE {same})"
            )
            if row and row[0]:
                total += int(row[0])
                orphans.append(f"{child}.{name} {row[0]}")
    behind = _find_sequences_behind(session)
    named = name_some([*orphans, *behind])
    if orphans or behind:
        said = Text(
            ja=f"参照先のない行、または番号が戻った連番があります: {named.ja}",
            en=f"Rows point at rows that are gone, or sequences fell back: {named.en}",
        )
    else:
        said = Text(
            ja=f"{len(keys)} 個の外部キーすべてに参照先があり、連番も進んでいます",
            en=f"All {len(keys)} foreign keys find their rows, and every sequence is beyond its ids",
        )
    return Finding(
        code="references",
        is_well=not (orphans or behind),
        title=Text(ja="参照と連番", en="References and sequences"),
        said=said,
        figures={"foreign_keys": len(keys), "orphaned_rows": total, "sequences_behind": len(behind)},
    )


def _find_sequences_behind(session: Session) -> list[str]:
    behind = []
    for sequence, table, column in session.rows(_SEQUENCES):
        row = session.row(
            f"SELECT coalesce((SELECT max({column}) FROM {table}), 0),"  # noqa: S608 - from the catalogue
            f" (SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {sequence})"
        )
        if row and row[0] > row[1]:
            behind.append(f"{sequence} {row[1]} < {row[0]}")
    return behind
