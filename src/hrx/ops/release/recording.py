"""What code does with the schema, seen by PostgreSQL itself while the release's own tests run.

The server writes the analysed tree of every statement of the application's role into its log
(`debug_print_parse`), tables and columns already resolved: no parser of ours can misread them, and views,
CTEs, ON CONFLICT, RETURNING and `SELECT *` are what the server takes them for. What happens inside
functions, triggers and policies of the database is the schema's own affair and left out; a call is recorded.

It cannot see code that no test runs, statements of other roles, nor values (which words a column may hold).
A table that is gone by the end of the run (a temporary one) cannot be named; it counts as `unresolved`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from hrx.ops.release.shapes import SchemaUse
from hrx.ops.seams.postgres import read_rows

#: For the configuration of the server that the tests run on, and only there: it writes some KB a statement.
SERVER_CONFIGURATION: Final = """\
debug_print_parse = on
debug_pretty_print = off
logging_collector = on
log_destination = jsonlog
log_directory = 'recorded'
log_filename = 'statements.log'
log_rotation_age = 0
log_rotation_size = 0
"""
#: Where the server then writes, within its data directory.
LOG_FILE: Final = "recorded/statements.json"

#: Bits of `requiredPerms` (ACL_INSERT, ACL_DELETE).
_INSERTS: Final = 1
_DELETES: Final = 8
#: PostgreSQL counts columns in these sets from its lowest system column (FirstLowInvalidHeapAttributeNumber).
_OFFSET: Final = 7
#: Objects below are the server's own (FirstNormalObjectId).
_FIRST_OWN_OID: Final = 16_384
_PERMISSION: Final = re.compile(
    r"\{RTEPERMISSIONINFO :relid (\d+) :inh \w+ :requiredPerms (\d+) :checkAsUser \d+"
    r" :selectedCols \(b([ \d]*)\) :insertedCols \(b([ \d]*)\) :updatedCols \(b([ \d]*)\)\}"
)
_CALL: Final = re.compile(r"\{(?:FUNCEXPR :funcid|AGGREF :aggfnoid|WINDOWFUNC :winfnoid) (\d+) ")
_COPY: Final = re.compile(
    r"\{COPYSTMT :relation \{RANGEVAR :catalogname \S+ :schemaname (\S+) :relname (\S+) .*?\}"
    r" :query <> :attlist (<>|\([^)]*\)) :is_from (true|false)"
)
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_TREE: Final = "parse tree:"
_NAMES: Final = """
SELECT c.oid::bigint AS oid, n.nspname || '.' || c.relname AS name,
       ARRAY(SELECT CASE WHEN a.attisdropped THEN '' ELSE a.attname::text END
             FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum) AS columns
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
_FUNCTION_NAMES: Final = """
SELECT p.oid::bigint AS oid,
       n.nspname || '.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS name
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.oid >= 16384
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Names of a database's tables (with their columns in order) and functions, by object id."""

    tables: Mapping[int, tuple[str, tuple[str, ...]]]
    functions: Mapping[int, str]


def read_catalogue(url: str, *, timeout_s: float = 10.0) -> Catalogue:
    """Raises DatabaseRefused."""
    return Catalogue(
        tables={
            row["oid"]: (row["name"], tuple(row["columns"]))
            for row in read_rows(url, _NAMES, timeout_s=timeout_s)
        },
        functions={row["oid"]: row["name"] for row in read_rows(url, _FUNCTION_NAMES, timeout_s=timeout_s)},
    )


@dataclass(slots=True)
class Recorder:
    """Takes the server's log line by line; `use` gives what was seen so far."""

    database: str
    role: str
    catalogue: Catalogue
    statements: int = 0
    unresolved: set[int] = field(default_factory=set)
    _reads: set[str] = field(default_factory=set)
    _writes: set[str] = field(default_factory=set)
    _inserts: dict[str, frozenset[str]] = field(default_factory=dict)
    _deletes: set[str] = field(default_factory=set)
    _tables: set[str] = field(default_factory=set)
    _calls: set[str] = field(default_factory=set)
    _seen: set[int] = field(default_factory=set)

    def take_all(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self.take(line)

    def take(self, line: bytes) -> None:
        """One line of the log; what is none of our statements is passed over."""
        if b'"parse tree:"' not in line:
            return
        try:
            said = orjson.loads(line)
        except orjson.JSONDecodeError:
            # The last line of a server that was stopped.
            return
        if said.get("user") != self.role or said.get("dbname") != self.database:
            return
        # Inside a function of the database: the schema's own affair.
        if said.get("message") != _TREE or "context" in said:
            return
        self.statements += 1
        tree = " ".join(str(said.get("detail", "")).split())
        if hash(tree) not in self._seen:
            self._seen.add(hash(tree))
            self._take_tree(tree)

    @property
    def use(self) -> SchemaUse:
        return SchemaUse(
            reads=frozenset(self._reads),
            writes=frozenset(self._writes),
            inserts=dict(self._inserts),
            deletes=frozenset(self._deletes),
            tables=frozenset(self._tables),
            calls=frozenset(self._calls),
        )

    def _take_tree(self, tree: str) -> None:
        for relation, needed, read, inserted, updated in _PERMISSION.findall(tree):
            self._take_table(int(relation), int(needed), read=read, inserted=inserted, updated=updated)
        for function in map(int, _CALL.findall(tree)):
            if function >= _FIRST_OWN_OID:
                name = self.catalogue.functions.get(function)
                self._calls.add(name) if name else self.unresolved.add(function)
        for schema, table, columns, is_from in _COPY.findall(tree):
            self._take_copy(f"{schema}.{table}", columns, is_from=is_from == "true")

    def _take_table(self, relation: int, needed: int, *, read: str, inserted: str, updated: str) -> None:
        if relation < _FIRST_OWN_OID:
            return
        if relation not in self.catalogue.tables:
            self.unresolved.add(relation)
            return
        table, columns = self.catalogue.tables[relation]
        self._tables.add(table)
        self._reads |= _name_columns(table, columns, read)
        given = _name_columns(table, columns, inserted)
        self._writes |= given | _name_columns(table, columns, updated)
        if needed & _INSERTS:
            self._note_insert(table, given)
        if needed & _DELETES:
            self._deletes.add(table)

    def _note_insert(self, table: str, given: frozenset[str]) -> None:
        self._inserts[table] = self._inserts[table] & given if table in self._inserts else given

    def _take_copy(self, table: str, told: str, *, is_from: bool) -> None:
        known = dict(self.catalogue.tables.values())
        names = _QUOTED.findall(told) if told != "<>" else [one for one in known.get(table, ()) if one]
        columns = frozenset(f"{table}.{name}" for name in names)
        self._tables.add(table)
        if is_from:
            self._writes |= columns
            self._note_insert(table, columns)
        else:
            self._reads |= columns


def _name_columns(table: str, columns: tuple[str, ...], told: str) -> frozenset[str]:
    """Names of the columns in one of the server's sets; a whole row means every column."""
    numbers = [int(one) - _OFFSET for one in told.split()]
    if 0 in numbers:
        return frozenset(f"{table}.{name}" for name in columns if name)
    return frozenset(f"{table}.{columns[number - 1]}" for number in numbers if 0 < number <= len(columns))


def merge_uses(uses: Iterable[SchemaUse]) -> SchemaUse:
    """What several runs saw together: of INSERTs, the columns that every one of them gave."""
    merged = SchemaUse()
    for one in uses:
        inserts = dict(merged.inserts)
        for table, given in one.inserts.items():
            inserts[table] = inserts[table] & given if table in inserts else given
        merged = SchemaUse(
            reads=merged.reads | one.reads,
            writes=merged.writes | one.writes,
            inserts=inserts,
            deletes=merged.deletes | one.deletes,
            tables=merged.tables | one.tables,
            calls=merged.calls | one.calls,
        )
    return merged
