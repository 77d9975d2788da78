"""The shape of a real database, from PostgreSQL's own catalogue: any role may read it.

Reads schemas of the product only. What is not looked at: privileges, plain indexes, sequences, comments, and
what functions do inside (their name, arguments and result are their contract)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hrx.ops.release.shapes import ColumnShape, RuleKind, RuleShape, SchemaShape
from hrx.ops.seams.postgres import read_rows

#: Schemas whose tables the product's code meets.
SCHEMAS: Final = ("app", "gate", "jobs", "public", "seam")
_COLUMNS: Final = """
SELECT n.nspname || '.' || c.relname || '.' || a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS not_null,
       pg_get_expr(d.adbin, d.adrelid) AS default,
       (a.attgenerated <> '' OR a.attidentity <> '') AS is_generated
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname = ANY (%(schemas)s)
"""
_CONSTRAINTS: Final = """
SELECT n.nspname || '.' || c.relname AS table, k.conname AS name, k.contype::text AS kind,
       pg_get_constraintdef(k.oid) AS definition,
       ARRAY(SELECT a.attname::text FROM pg_attribute AS a
             WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)) AS columns
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype IN ('c', 'p', 'u', 'x', 'f') AND n.nspname = ANY (%(schemas)s)
"""
# An index on an expression or on part of the rows names no columns: it is taken to mean any.
_UNIQUE_INDEXES: Final = """
SELECT n.nspname || '.' || c.relname AS table, i.relname AS name, 'u' AS kind,
       pg_get_indexdef(x.indexrelid) AS definition,
       CASE WHEN x.indexprs IS NULL AND x.indpred IS NULL THEN
         ARRAY(SELECT a.attname::text FROM pg_attribute AS a
               WHERE a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey))
       ELSE ARRAY[]::text[] END AS columns
FROM pg_index AS x
JOIN pg_class AS i ON i.oid = x.indexrelid
JOIN pg_class AS c ON c.oid = x.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE x.indisunique AND n.nspname = ANY (%(schemas)s)
  AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = x.indexrelid)
"""
_TRIGGERS: Final = """
SELECT n.nspname || '.' || c.relname AS table, t.tgname AS name, 't' AS kind,
       pg_get_triggerdef(t.oid) AS definition, ARRAY[]::text[] AS columns
FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND n.nspname = ANY (%(schemas)s)
UNION ALL
SELECT n.nspname || '.' || c.relname, p.polname, 'y',
       concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::regrole[]::text,
                 pg_get_expr(p.polqual, p.polrelid), '/', pg_get_expr(p.polwithcheck, p.polrelid)),
       ARRAY[]::text[]
FROM pg_policy AS p
JOIN pg_class AS c ON c.oid = p.polrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s)
"""
_FUNCTIONS: Final = """
SELECT n.nspname || '.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS name,
       pg_get_function_result(p.oid) AS result
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.prokind IN ('f', 'p', 'w') AND n.nspname = ANY (%(schemas)s)
"""
_REVISION: Final = "SELECT version_num FROM public.schema_revision"
_KINDS: Final[Mapping[str, RuleKind]] = {
    "c": RuleKind.CHECK,
    "p": RuleKind.UNIQUE,
    "u": RuleKind.UNIQUE,
    "x": RuleKind.UNIQUE,
    "f": RuleKind.REFERENCE,
    "t": RuleKind.TRIGGER,
    "y": RuleKind.POLICY,
}


def read_shape(url: str, *, schemas: Sequence[str] = SCHEMAS, timeout_s: float = 10.0) -> SchemaShape:
    """Columns, rules and functions of these schemas. Raises DatabaseRefused."""
    parameters = {"schemas": list(schemas)}
    columns = read_rows(url, _COLUMNS, timeout_s=timeout_s, parameters=parameters)
    rules = [
        row
        for statement in (_CONSTRAINTS, _UNIQUE_INDEXES, _TRIGGERS)
        for row in read_rows(url, statement, timeout_s=timeout_s, parameters=parameters)
    ]
    functions = read_rows(url, _FUNCTIONS, timeout_s=timeout_s, parameters=parameters)
    return SchemaShape(
        columns={
            row["name"]: ColumnShape(
                type=row["type"],
                not_null=row["not_null"],
                # What is computed has its expression where others have a default.
                default=None if row["is_generated"] else row["default"],
                is_generated=row["is_generated"],
            )
            for row in columns
        },
        rules={f"{row['table']}.{row['name']}": _rule_of(row) for row in rules},
        functions={row["name"]: row["result"] or "" for row in functions},
    )


def read_revision(url: str, *, timeout_s: float = 5.0) -> str | None:
    """The revision that the database says it has; None when it was never migrated. Raises DatabaseRefused."""
    found = read_rows(url, _REVISION, timeout_s=timeout_s)
    return str(found[0]["version_num"]) if found else None


# `Any`: a row of the driver.
def _rule_of(row: Mapping[str, Any]) -> RuleShape:
    return RuleShape(
        kind=_KINDS[row["kind"]],
        table=row["table"],
        columns=frozenset(f"{row['table']}.{name}" for name in row["columns"]),
        definition=row["definition"],
    )
