"""Moving rows of one tenant from a copy into the living system: which tables, in which order, what is put
back, what is left as it is, and what belongs to people who are erased. See `returning`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from hrx.kit.errors import Invalid, Refused, Text
from hrx.ops.recovery.erasing import ErasureOrder, find_marks
from hrx.ops.seams.sessions import Session

#: Never brought back: trails are append-only; the rest says who is here now and what is new.
_KEPT_OUT: Final = frozenset(
    {
        "app.audit_entry", "app.audit_link", "app.audit_head", "app.audit_pending", "app.session",
        "app.data_version", "app.knowledge_clock",
    }
)  # fmt: skip
_TABLES: Final = """
SELECT c.oid::regclass::text,
       (SELECT array_agg(quote_ident(a.attname) ORDER BY a.attnum) FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),
       (SELECT array_agg(quote_ident(a.attname) ORDER BY u.n) FROM pg_index AS i
        CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS u (attnum, n)
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
        WHERE i.indrelid = c.oid AND i.indisprimary)
FROM pg_class AS c
WHERE c.relnamespace = 'app'::regnamespace AND c.relkind = 'r' ORDER BY 1
"""
_PARENTS: Final = """
SELECT DISTINCT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'app'::regnamespace AND conrelid <> confrelid
"""
_KEYS: Final = """
SELECT k.conrelid::regclass::text, k.confrelid::regclass::text,
       (SELECT array_agg(quote_ident(a.attname) ORDER BY u.n)
        FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, n)
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum),
       (SELECT array_agg(quote_ident(a.attname) ORDER BY u.n)
        FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, n)
        JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.attnum)
FROM pg_constraint AS k WHERE k.contype = 'f' AND k.connamespace = 'app'::regnamespace
"""


class WouldContradict(Refused):
    """The rows do not fit what the living system holds by now."""

    code = "recovery.would_contradict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What to bring back: a tenant; of it one `table` alone (`app.person`), of that some `keys` alone.

    `restores_changed`: rows that were changed since also go back to what they were, except history."""

    tenant: int
    table: str | None = None
    keys: tuple[int, ...] = ()
    restores_changed: bool = False

    def as_dict(self) -> dict[str, object]:
        """For the ledger and the tenant's trail."""
        return {
            "tenant": self.tenant,
            "table": self.table,
            "keys": len(self.keys),
            "restores_changed": self.restores_changed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReturn:
    """Of one table: rows put back, rows set back, and rows that differ but stay as they are now."""

    table: str
    missing: int = 0
    set_back: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def tenant(self) -> str:
        return "id" if self.name == "app.tenant" else "tenant_id"

    @property
    def is_history(self) -> bool:
        return "known" in self.columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """People who are erased in the living system: nothing of theirs is brought back. `marks` and `numbers`
    are what an uploaded row would tell of them; they stay in memory."""

    persons: tuple[int, ...]
    marks: tuple[str, ...]
    numbers: tuple[str, ...]


#: Rows of theirs among those of the copy, by the column that tells.
_THEIRS: Final = (
    ("app.person", "id", "r.id = ANY (%(persons)s)"),
    (None, "person_id", "r.person_id = ANY (%(persons)s)"),
    (
        None,
        "user_id",
        "r.user_id IN (SELECT id FROM app.user_account WHERE person_id = ANY (%(persons)s))",
    ),
    (
        "app.data_import_row",
        "cells",
        "EXISTS (SELECT FROM unnest(%(marks)s::text[]) AS m"
        " WHERE strpos(r.cells::text || r.changes::text, m) > 0)"
        " OR EXISTS (SELECT FROM unnest(%(numbers)s::text[]) AS n"
        " WHERE strpos(r.cells::text, to_json(n)::text) > 0)",
    ),
)


def list_tables(session: Session) -> dict[str, Table]:
    """Tables of the product that belong to tenants, by name."""
    return {
        name: Table(name=name, columns=tuple(columns), key=tuple(key))
        for name, columns, key in session.rows(_TABLES)
        if key and (name == "app.tenant" or "tenant_id" in columns)
    }


def choose_tables(
    scope: Scope, here: Mapping[str, Table], there: Mapping[str, Table], ordered: list[str]
) -> list[Table]:
    """What the scope names, with the columns that both sides have. Raises Invalid."""
    possible = [name for name in ordered if name in there and name not in _KEPT_OUT]
    if scope.table is not None and scope.table not in possible:
        raise Invalid(
            Text(
                ja=f"表 {scope.table} は戻せません。戻せる表: {'、'.join(sorted(possible))}",
                en=f"Table {scope.table} cannot be brought back. These can: {', '.join(sorted(possible))}",
            )
        )
    if scope.keys and (scope.table is None or len(here[scope.table].key) != 1):
        raise Invalid(
            Text(
                ja="行の番号は、番号が一つの表を指定したときだけ選べます",
                en="Rows can be chosen by number in one table only, whose key is one number",
            )
        )
    return [
        replace(here[name], columns=tuple(one for one in here[name].columns if one in there[name].columns))
        for name in possible
        if scope.table in (None, name)
    ]


def order_by_parents(session: Session, names: list[str]) -> list[str]:
    """Parents before children; what stands in a ring comes last, in the order of names."""
    parents: dict[str, set[str]] = {name: set() for name in names}
    for child, parent in session.rows(_PARENTS):
        if child in parents and parent in parents:
            parents[child].add(parent)
    ordered: list[str] = []
    while parents:
        ready = sorted(name for name, above in parents.items() if not above - set(ordered))
        ordered += ready or sorted(parents)[:1]
        for name in ordered:
            parents.pop(name, None)
    return ordered


def find_forgotten(
    copy: Session, living: Session, orders: tuple[ErasureOrder, ...], tenant: int
) -> tuple[Forgotten, tuple[ErasureOrder, ...]]:
    """Who is erased here, and orders whose person is not here at all: those come back and are erased then."""
    here = {
        person
        for (person,) in living.rows(
            "SELECT id FROM app.person WHERE tenant_id = %(tenant)s AND id = ANY (%(persons)s)",
            {"tenant": tenant, "persons": [one.person for one in orders if one.tenant == tenant]},
        )
    }
    ours = [one for one in orders if one.tenant == tenant]
    numbers = copy.rows(
        "SELECT employee_number FROM app.person WHERE tenant_id = %(tenant)s AND id = ANY (%(persons)s)",
        {"tenant": tenant, "persons": sorted(here)},
    )
    return (
        Forgotten(
            persons=tuple(sorted(here)),
            marks=tuple(mark for one in ours if one.person in here for mark in find_marks(copy, one)),
            numbers=tuple(number for (number,) in numbers),
        ),
        tuple(one for one in ours if one.person not in here),
    )


def _forget(living: Session, table: Table, forgotten: Forgotten) -> None:
    """Take what is theirs out of the rows that were carried over."""
    if not forgotten.persons:
        return
    for name, column, condition in _THEIRS:
        if name in (None, table.name) and column in table.columns:
            living.row(
                f"DELETE FROM pg_temp.returning_row AS r WHERE {condition}",  # noqa: S608 - constants
                {
                    "persons": list(forgotten.persons),
                    "marks": list(forgotten.marks),
                    "numbers": list(forgotten.numbers),
                },
            )


def return_table(
    copy: Session, living: Session, table: Table, scope: Scope, forgotten: Forgotten
) -> TableReturn:
    """Carry this tenant's rows of the copy over into a temporary table, and put back what is not there."""
    columns = ", ".join(table.columns)
    where = f"{table.tenant} = {int(scope.tenant)}"
    if scope.keys:
        where += f" AND {table.key[0]} IN ({', '.join(str(int(one)) for one in scope.keys)})"
    living.rows(
        f"DROP TABLE IF EXISTS pg_temp.returning_row;"  # noqa: S608 - names from the catalogue
        f" CREATE TEMPORARY TABLE returning_row ON COMMIT DROP AS SELECT {columns} FROM {table.name}"
        " WITH NO DATA"
    )
    living.copy_in(
        f"COPY pg_temp.returning_row ({columns}) FROM STDIN",
        copy.copy_out(f"COPY (SELECT {columns} FROM {table.name} WHERE {where}) TO STDOUT"),  # noqa: S608
    )
    _forget(living, table, forgotten)
    same_key = " AND ".join(f"t.{one} = r.{one}" for one in table.key)
    mine = ", ".join(f"t.{one}" for one in table.columns)
    its = ", ".join(f"r.{one}" for one in table.columns)
    differs = f"ROW({mine})::text <> ROW({its})::text"
    count = living.row(
        f"SELECT count(*) FROM pg_temp.returning_row AS r JOIN {table.name} AS t ON {same_key}"  # noqa: S608
        f" WHERE {differs}"
    )
    changed = int(count[0]) if count else 0
    missing = _count_done(
        living,
        f"INSERT INTO {table.name} ({columns}) OVERRIDING SYSTEM VALUE"  # noqa: S608
        f" SELECT {its} FROM pg_temp.returning_row AS r"
        f" WHERE NOT EXISTS (SELECT FROM {table.name} AS t WHERE {same_key}) RETURNING 1",
    )
    if not (scope.restores_changed and changed) or table.is_history:
        return TableReturn(table=table.name, missing=missing, left=changed)
    rest = [one for one in table.columns if one not in table.key]
    set_back = _count_done(
        living,
        f"UPDATE {table.name} AS t SET {', '.join(f'{one} = r.{one}' for one in rest)}"  # noqa: S608
        f" FROM pg_temp.returning_row AS r WHERE {same_key} AND t.{table.tenant} = {int(scope.tenant)}"
        f" AND {differs} RETURNING 1",
    )
    return TableReturn(table=table.name, missing=missing, set_back=set_back)


def _count_done(session: Session, statement: str) -> int:
    row = session.row(f"WITH done AS ({statement}) SELECT count(*) FROM done")  # noqa: S608
    return int(row[0]) if row else 0


def check_references(living: Session, tables: list[str], tenant: int) -> None:
    """Triggers were set aside, so foreign keys are looked at here. Raises WouldContradict."""
    for child, parent, columns, targets in living.rows(_KEYS):
        if child not in tables:
            continue
        there = " AND ".join(f"c.{one} IS NOT NULL" for one in columns)
        same = " AND ".join(f"p.{to} = c.{one}" for one, to in zip(columns, targets, strict=True))
        of_tenant = "c.id" if child == "app.tenant" else "c.tenant_id"
        row = living.row(
            f"SELECT count(*) FROM {child} AS c WHERE {of_tenant} = {int(tenant)} AND {there}"  # noqa: S608
            f" AND NOT EXISTS (SELECT FROM {parent} AS p WHERE {same})"
        )
        if row and row[0]:
            raise WouldContradict(
                Text(
                    ja=f"{child} の {row[0]} 行が指す {parent} の行がありません。何も変えていません",
                    en=f"{row[0]} rows of {child} point at rows of {parent} that are not there. "
                    "Nothing was changed",
                ),
                hint=Text(
                    ja=f"先に {parent} を、またはテナント全体を戻します。",
                    en=f"Bring {parent} back first, or the whole tenant.",
                ),
            )
