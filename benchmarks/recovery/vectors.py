"""A vector index after a loss: restored with the rest, or built anew from the rows."""

from __future__ import annotations

import statistics
import time
from typing import Final

from benchmarks.figures import Figure, Section
from benchmarks.recovery.database import Database, running_database
from benchmarks.recovery.ways import Ours

_COUNT: Final = 20_000
_SIZE: Final = 384
_FILL: Final = f"""
CREATE TABLE shelf (id bigint PRIMARY KEY, embedding vector({_SIZE}));
INSERT INTO shelf SELECT n, (SELECT array_agg(random())::real[] FROM generate_series(1, {_SIZE})
  WHERE n > 0)::vector FROM generate_series(1, {_COUNT}) n;
ANALYZE shelf;
"""
_BUILD: Final = "CREATE INDEX shelf_near ON shelf USING hnsw (embedding vector_cosine_ops)"
_ASK: Final = "SELECT id FROM shelf ORDER BY embedding <=> (SELECT embedding FROM shelf WHERE id = 7) LIMIT 1"


def measure_vectors(*, rounds: int) -> Section:
    """The same restore with the index and without it; the difference is what the index costs."""
    with running_database(gib=0.05) as database:
        for statement in _FILL.split(";"):
            if statement.strip():
                database.execute(statement)
        ours = Ours(database)
        try:
            without = _restores(ours, rounds=rounds)
            built_s = _build(database, rounds=rounds)
            size = database.execute("SELECT pg_relation_size('shelf_near')")[0][0]
            with_index = _restores(ours, rounds=rounds)
        finally:
            ours.close()
    cost = max(0.0, statistics.median(with_index) - statistics.median(without))
    return Section(
        name="Vector index after a loss",
        notes=(f"{_COUNT:,} vectors of {_SIZE}, HNSW, m 16, ef_construction 64; {rounds} rounds, medians",),
        figures=[
            Figure(what="index on disk", value=float(str(size)) / 2**20, unit="MiB"),
            Figure(what="build anew", value=statistics.median(built_s), unit="s", raw={"s": built_s}),
            Figure(
                what="restore with it", value=statistics.median(with_index), unit="s", raw={"s": with_index}
            ),
            Figure(what="restore without", value=statistics.median(without), unit="s", raw={"s": without}),
            Figure(what="of a restore, the index", value=cost, unit="s"),
        ],
    )


def _restores(ours: Ours, *, rounds: int) -> list[float]:
    ours.back_up()
    found = []
    for _ in range(rounds):
        with ours.restored(to=None) as back:
            found.append(back.taken.wall_s)
    return found


def _build(database: Database, *, rounds: int) -> list[float]:
    """Memory enough that the whole graph fits, as a person who waits for it would set."""
    database.execute("ALTER SYSTEM SET maintenance_work_mem = '512MB'")
    database.execute("SELECT pg_reload_conf()")
    found = []
    for _ in range(rounds):
        database.execute("DROP INDEX IF EXISTS shelf_near")
        began = time.monotonic()
        database.execute(_BUILD)
        found.append(time.monotonic() - began)
    if database.execute(_ASK) != [(7,)]:
        raise RuntimeError("the index does not find a vector by itself")
    return found
