"""Generations of an index as they stand in the database: their tables, how far each is, which one is live.

Schema `search` belongs to the owner's role alone; the product reads the view NAME_live. Rows carry their
tenant and stand under the same policy as everywhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from hrx.kit.search.passages import find_dense, is_made_here
from hrx.ops.release.indexes.definitions import Encoder, IndexDefinition, version_of
from hrx.ops.release.indexes.layouts import layout_of
from hrx.ops.seams.migrating import MigratingSession

APPLICATION: Final = "hrx-index"
_READERS: Final = ("hrx_app", "hrx_ops")
_SCHEMA_SQL: Final = """
CREATE SCHEMA IF NOT EXISTS search;
CREATE TABLE IF NOT EXISTS search.generation (
  index_name text NOT NULL,
  number integer NOT NULL,
  version text NOT NULL,
  encoder text NOT NULL,
  dimensions integer NOT NULL,
  definition jsonb NOT NULL,
  rows_total bigint NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  PRIMARY KEY (index_name, number)
);
CREATE TABLE IF NOT EXISTS search.progress (
  index_name text NOT NULL,
  number integer NOT NULL,
  tenant_id bigint NOT NULL,
  last_key bigint,
  rows_done bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (index_name, number, tenant_id),
  FOREIGN KEY (index_name, number) REFERENCES search.generation ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS search.pointer (
  index_name text PRIMARY KEY,
  live integer NOT NULL,
  previous integer,
  moves integer NOT NULL DEFAULT 1,
  moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  moved_by text NOT NULL
)
"""
_GENERATIONS_SQL: Final = """
SELECT g.number, g.version, g.encoder, g.dimensions, g.rows_total, g.finished_at IS NOT NULL,
       coalesce((SELECT sum(p.rows_done) FROM search.progress AS p
                 WHERE p.index_name = g.index_name AND p.number = g.number), 0)::bigint,
       g.definition
FROM search.generation AS g
WHERE g.index_name = %(index)s
ORDER BY g.number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """`rows_done` of `rows_total` rows, as counted when it was begun. `definition`: what it was built from,
    which may no longer be what the runbook says."""

    definition: IndexDefinition
    number: int
    version: str
    encoder: str
    dimensions: int
    rows_total: int
    rows_done: int
    is_finished: bool

    @property
    def index(self) -> str:
        return self.definition.name

    @property
    def table(self) -> str:
        return f"search.{self.index}_g{self.number}"

    @property
    def is_late(self) -> bool:
        """Whether its vectors are made by the worker, after the words are there."""
        dense = find_dense(self.encoder)
        return dense is not None and not is_made_here(dense)

    @property
    def done_ratio(self) -> float:
        if self.is_finished:
            return 1.0
        return min(1.0, self.rows_done / self.rows_total) if self.rows_total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """Which generation answers, and which did before."""

    live: int
    previous: int | None
    moves: int
    moved_at: datetime
    moved_by: str


def ensure_schema(session: MigratingSession) -> None:
    """Schema and tables of the record, once, however many begin at the same moment."""
    if session.rows("SELECT to_regclass('search.pointer') IS NOT NULL") == [(True,)]:
        return
    session.rows("BEGIN")
    session.rows("SELECT pg_advisory_xact_lock(hashtextextended('search', 0))")
    for statement in _SCHEMA_SQL.split(";"):
        session.rows(statement)
    for role in list_readers(session):
        session.rows(f"GRANT USAGE ON SCHEMA search TO {role}")
        session.rows(f"GRANT SELECT ON search.generation, search.pointer TO {role}")
    session.rows("COMMIT")


def list_readers(session: MigratingSession) -> list[str]:
    """Roles of this database that read the index."""
    found = session.rows(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY (%(names)s) ORDER BY 1", {"names": list(_READERS)}
    )
    return [str(name) for (name,) in found]


def has_schema(session: MigratingSession) -> bool:
    return session.rows("SELECT to_regclass('search.pointer') IS NOT NULL") == [(True,)]


def list_generations(session: MigratingSession, index: str) -> list[Generation]:
    """Oldest first; none where nothing was ever built."""
    if not has_schema(session):
        return []
    return [_generation(row) for row in session.rows(_GENERATIONS_SQL, {"index": index})]


def find_pointer(session: MigratingSession, index: str) -> Pointer | None:
    if not has_schema(session):
        return None
    found = session.rows(
        "SELECT live, previous, moves, moved_at, moved_by FROM search.pointer WHERE index_name = %(index)s",
        {"index": index},
    )
    if not found:
        return None
    live, previous, moves, moved_at, moved_by = found[0]
    return Pointer(live=live, previous=previous, moves=moves, moved_at=moved_at, moved_by=moved_by)


def begin_generation(session: MigratingSession, definition: IndexDefinition, encoder: Encoder) -> Generation:
    """The generation of this version: the one that was begun, else a new, empty one.

    Its caller holds the lock of builds."""
    version = version_of(definition, encoder)
    known = list_generations(session, definition.name)
    same = [one for one in known if one.version == version]
    if same:
        return same[-1]
    number = known[-1].number + 1 if known else 1
    table = f"search.{definition.name}_g{number}"
    session.rows("BEGIN")
    layout = layout_of(definition)
    readers = list_readers(session)
    layout.create(
        session, table, dimensions=encoder.dimensions, writers=[one for one in readers if one == "hrx_app"]
    )
    for role in readers:
        session.rows(f"GRANT SELECT ON {table} TO {role}")
        if layout.counts:
            session.rows(f"GRANT SELECT ON {table}_df TO {role}")
    session.rows(
        "INSERT INTO search.generation (index_name, number, version, encoder, dimensions, definition)"
        " VALUES (%(index)s, %(number)s, %(version)s, %(encoder)s, %(dimensions)s, %(definition)s::jsonb)",
        {
            "index": definition.name,
            "number": number,
            "version": version,
            "encoder": encoder.version,
            "dimensions": encoder.dimensions,
            "definition": orjson.dumps(asdict(definition)).decode(),
        },
    )
    session.rows("COMMIT")
    return list_generations(session, definition.name)[-1]


def finish(session: MigratingSession, generation: Generation) -> Generation:
    """Note that it has what its source had; gives it as it stands now."""
    session.rows(
        "UPDATE search.generation SET finished_at = coalesce(finished_at, clock_timestamp())"
        " WHERE index_name = %(index)s AND number = %(number)s",
        {"index": generation.index, "number": generation.number},
    )
    known = list_generations(session, generation.index)
    return next(one for one in known if one.number == generation.number)


def drop_unused(session: MigratingSession, index: str, *, keep: int) -> list[int]:
    """Drop generations that are neither live, nor ready to go back to, nor `keep`; gives their numbers."""
    pointer = find_pointer(session, index)
    kept = {keep, *((pointer.live, pointer.previous) if pointer is not None else ())}
    dropped = [one for one in list_generations(session, index) if one.number not in kept]
    for one in dropped:
        session.rows("BEGIN")
        layout_of(one.definition).drop(session, one.table)
        session.rows(
            "DELETE FROM search.generation WHERE index_name = %(index)s AND number = %(number)s",
            {"index": index, "number": one.number},
        )
        session.rows("COMMIT")
    return [one.number for one in dropped]


# `Any`: a row of the driver.
def _generation(row: tuple[Any, ...]) -> Generation:
    return Generation(
        definition=IndexDefinition(**{**row[7], "text": tuple(row[7]["text"])}),
        number=row[0],
        version=row[1],
        encoder=row[2],
        dimensions=row[3],
        rows_total=row[4],
        is_finished=row[5],
        rows_done=row[6],
    )
