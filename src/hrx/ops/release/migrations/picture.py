"""A database as it is at one moment: its catalogue in comparable lines, its files, its rows.

Two pictures say what a migration really did: what it rewrote, what it took away, whether the way down came
back to where the way up began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hrx.ops.seams.migrating import MigratingSession

#: Of the migrations themselves: they change with every step.
_OWN: Final = "('public.schema_revision', 'public.schema_backfill')"
_USERS: Final = (
    "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%%'"
    f" AND n.nspname || '.' || c.relname NOT IN {_OWN}"
)
_RELATIONS_SQL: Final = f"""
SELECT n.nspname || '.' || c.relname, c.relkind::text, coalesce(pg_relation_filenode(c.oid), 0),
       c.relrowsecurity AND c.relforcerowsecurity
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND {_USERS}
"""  # noqa: S608
_COLUMNS_SQL: Final = f"""
SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       coalesce(pg_get_expr(d.adbin, d.adrelid), ''), a.attidentity::text, a.attgenerated::text
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm') AND {_USERS}
ORDER BY c.oid, a.attnum
"""  # noqa: S608
_KEYS_SQL: Final = f"""
SELECT n.nspname || '.' || c.relname,
       array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
WHERE i.indisprimary AND {_USERS}
GROUP BY 1
"""  # noqa: S608
#: Constraints that only say NOT NULL are told by their columns; their names come and go (PostgreSQL 18).
_OTHERS_SQL: Final = f"""
SELECT 'constraint ' || n.nspname || '.' || c.relname || ' ' || o.conname || ' '
       || pg_get_constraintdef(o.oid)
FROM pg_constraint AS o
JOIN pg_class AS c ON c.oid = o.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE o.contype <> 'n' AND {_USERS}
UNION ALL
SELECT 'index ' || pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE {_USERS}
UNION ALL
SELECT 'policy ' || n.nspname || '.' || c.relname || ' ' || p.polname || ' ' || p.polcmd::text
       || p.polpermissive::text || ' ' || array_to_string(p.polroles::regrole[], ',') || ' '
       || coalesce(pg_get_expr(p.polqual, c.oid), '') || ' '
       || coalesce(pg_get_expr(p.polwithcheck, c.oid), '')
FROM pg_policy AS p
JOIN pg_class AS c ON c.oid = p.polrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE {_USERS}
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(t.oid)
FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND {_USERS}
UNION ALL
SELECT 'view ' || n.nspname || '.' || c.relname || ' ' || pg_get_viewdef(c.oid)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND {_USERS}
UNION ALL
SELECT 'grant ' || n.nspname || '.' || c.relname || ' ' || g.grantee::text || ' ' || g.privilege_type
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS g
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND g.grantee <> c.relowner AND {_USERS}
UNION ALL
SELECT 'schema ' || n.nspname
FROM pg_namespace AS n
WHERE n.nspname NOT LIKE 'pg\\_%%'
"""  # noqa: S608
_FUNCTIONS_SQL: Final = """
SELECT p.oid::regprocedure::text, md5(p.prosrc || p.provolatile::text || p.prosecdef::text)
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
_VALUES_SQL: Final = """
SELECT e.enumtypid::regtype::text || ' ' || quote_literal(e.enumlabel) FROM pg_enum AS e
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table, view or materialized view. `file` changes when the table is written anew; 0 has none."""

    kind: str
    file: int
    is_walled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSeen:
    """A column as the catalogue has it."""

    type: str
    is_not_null: bool
    default: str
    is_generated: bool
    is_identity: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A database's catalogue at one moment. `lines` is all else that must come back on the way down."""

    relations: Mapping[str, Relation]
    columns: Mapping[str, Mapping[str, ColumnSeen]]
    keys: Mapping[str, tuple[str, ...]]
    functions: Mapping[str, str]
    values: frozenset[str]
    lines: frozenset[str]

    @property
    def tables(self) -> list[str]:
        return [name for name, relation in self.relations.items() if relation.kind in "rp"]

    def describe(self) -> frozenset[str]:
        """The catalogue as lines that two pictures share exactly when they are the same schema."""
        seen = {f"{relation.kind} {name} {relation.is_walled}" for name, relation in self.relations.items()}
        for table, columns in self.columns.items():
            seen |= {f"column {table}.{name} {column}" for name, column in columns.items()}
        seen |= {f"function {name} {body}" for name, body in self.functions.items()}
        return frozenset(seen) | self.lines | {f"value {value}" for value in self.values}


def take_picture(session: MigratingSession) -> Picture:
    """The catalogue of the database, by a role that sees all of it. Raises as the session does."""
    columns: dict[str, dict[str, ColumnSeen]] = {}
    for table, name, kind, is_not_null, default, identity, generated in session.rows(_COLUMNS_SQL, {}):
        columns.setdefault(table, {})[name] = ColumnSeen(
            type=kind,
            is_not_null=is_not_null,
            default=default,
            is_generated=bool(generated),
            is_identity=bool(identity),
        )
    return Picture(
        relations={
            name: Relation(kind=kind, file=file, is_walled=is_walled)
            for name, kind, file, is_walled in session.rows(_RELATIONS_SQL, {})
        },
        columns=columns,
        keys={table: tuple(keys) for table, keys in session.rows(_KEYS_SQL, {})},
        functions={str(row[0]): str(row[1]) for row in session.rows(_FUNCTIONS_SQL)},
        values=frozenset(str(row[0]) for row in session.rows(_VALUES_SQL)),
        lines=frozenset(str(row[0]) for row in session.rows(_OTHERS_SQL, {})),
    )


def quoted(table: str) -> str:
    """A full name for SQL: `app.person` gives "app"."person"."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split(".", 1))


def count_rows(session: MigratingSession, tables: list[str]) -> dict[str, int]:
    """How many rows each table has, counted."""
    return {table: int(session.rows(f"SELECT count(*) FROM {quoted(table)}")[0][0]) for table in tables}  # noqa: S608
