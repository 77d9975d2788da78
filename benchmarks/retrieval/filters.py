"""`passage_filter`: 100,000 passages of one tenant, of which an asker may read a half, a tenth, a fiftieth, a
five-hundredth, by the product's search and by an approximate index. Words and vectors are drawn from a seed:
the search is measured, not the encoder."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
import psycopg

from benchmarks.figures import Aim, Figure, Section
from benchmarks.retrieval.approximate import Asked, Share, measure_approximate
from benchmarks.retrieval.shelving import make_tenant
from benchmarks.servers import House
from hrx.app.assistant.retrieval.finding import CANDIDATES
from hrx.app.assistant.retrieval.statements import find_in
from hrx.app.platform.db import Database, fetch_dicts, open_database
from hrx.app.platform.tenancy import PersonId, Principal, Role, TenantId
from hrx.kit.search.weights import PLACES

_RECALL: Final = Aim(bound=0.99, is_lower_bound=True)
_P95: Final = Aim(bound=50, is_lower_bound=False, unit="ms")
_DIMENSIONS: Final = 384
#: Along which vectors differ, noise apart: sentences in 384 dimensions are said to have some twenty.
_DIRECTIONS: Final = 24
#: Of a question, against the passage that it asks for.
_NOISE: Final = 0.7
_A_DOCUMENT: Final = 100
#: Above these an approximate index takes too long to build beside the rest.
_MOST_FOR_AN_INDEX: Final = 200_000
#: Asked first and not counted: a connection's first statements are planned, its pages read.
_WARM_UP: Final = 10
_BEST: Final = 10
#: Every so many documents one is read by the asker of this number.
SHARES: Final = {1: 2, 2: 10, 3: 50, 4: 500}
_WORDS: Final = 20_000
_TERMS: Final = 60
_DOCUMENTS: Final = """
INSERT INTO app.document (tenant_id, kind, title, audience)
SELECT %(tenant)s, 'policy', n::text, 'chosen' FROM generate_series(1, %(documents)s) AS n ORDER BY n
"""
_VERSIONS: Final = """
INSERT INTO app.document_version
  (tenant_id, document_id, number, state, effective, file_name, media_type, file_sha256, size_bytes)
SELECT d.tenant_id, d.id, 1, 'ready', daterange('2000-01-01', NULL), 'f', 'text/plain', '', 0
FROM app.document AS d WHERE d.tenant_id = %(tenant)s
"""
_PASSAGES: Final = """
INSERT INTO app.document_passage
  (tenant_id, document_id, version_id, ordinal, language, start_char, end_char, body, body_sha256)
SELECT v.tenant_id, v.document_id, v.id, n, 'en', 0, 1, 'x', repeat('0', 64)
FROM app.document_version AS v CROSS JOIN generate_series(0, %(each)s - 1) AS n
WHERE v.tenant_id = %(tenant)s ORDER BY v.id, n
"""
_PEOPLE: Final = """
INSERT INTO app.person
  (tenant_id, employee_number, family_latin, search_text, search_grams, kana_key, employed)
SELECT %(tenant)s, n::text, 'x', '', '', '', datemultirange(daterange('2000-01-01', NULL))
FROM generate_series(1, 4) AS n RETURNING id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Passages in the order of `ids`, a hundred a document; row n of `vectors` is passage n."""

    tenant: TenantId
    ids: Sequence[int]
    versions: Sequence[int]
    # `Any`: an array of numpy.
    vectors: Any
    readers: dict[int, int]


async def measure_passage_filter(house: House, *, passages: int, questions: int) -> Section:
    url = house.settings.database_url.get_secret_value()
    database = open_database(url, statement_timeout_ms=120_000, pool_size=1)
    try:
        shelf = fill(house, await make_tenant(database), passages=passages)
        figures, shares = [], []
        for number in SHARES:
            told, share = await _measure(database, shelf, number, questions=questions)
            figures += told
            shares.append(share)
    finally:
        await database.close()
    if passages <= _MOST_FOR_AN_INDEX:
        figures += measure_approximate(house, shares, tenant=shelf.tenant, dimensions=_DIMENSIONS)
    return Section(
        name="passage_filter",
        notes=(
            f"{passages:,} passages ({_index_mib(house):,.0f} MiB of index), {_DIMENSIONS} dimensions,"
            f" {_TERMS} words each, {_A_DOCUMENT} a document; {questions} questions, one after the other;"
            " words and vectors in one statement",
            "CPU and memory of the server: of the one process that answers; memory without the shared pages",
            f"vectors differ along {_DIRECTIONS} directions and a little noise, as text does: an index has"
            " something to go by; HNSW in relaxed order, 200 looked at, sorted after, told what may be read",
            "recall against numpy over the same rows in single precision; numpy's own time is the limit",
        ),
        figures=figures,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    """A question and what it took, in milliseconds; `cpu_ms` of the process of the server that answers."""

    vector: str
    nearest: frozenset[int]
    recall: float
    took_ms: float
    cpu_ms: float
    limit_ms: float


async def _measure(
    database: Database, shelf: Shelf, number: int, *, questions: int
) -> tuple[list[Figure], Share]:
    asker = Principal(
        tenant_id=shelf.tenant,
        user_id=None,
        person_id=PersonId(shelf.readers[number]),
        roles=frozenset({Role.EMPLOYEE}),
    )
    rows = np.flatnonzero(np.arange(len(shelf.ids)) // _A_DOCUMENT % SHARES[number] == 0)
    mine, ids = shelf.vectors[rows], np.array(shelf.ids)[rows]
    chance = np.random.default_rng(number)
    async with database.transaction(asker) as session:
        [server] = await fetch_dicts(session, "SELECT pg_backend_pid() AS pid", {})
    asked = [
        await _ask(database, asker, mine=mine, ids=ids, chance=chance, pid=server["pid"])
        for _ in range(_WARM_UP + questions)
    ][_WARM_UP:]
    share = Share(
        name=f"{100 / SHARES[number]:g} %",
        versions=sorted({shelf.versions[int(row)] for row in rows}),
        asked=[Asked(vector=one.vector, nearest=one.nearest) for one in asked],
    )
    times = sorted(one.took_ms for one in asked)
    name = f"{share.name} ({len(rows):,})"
    figures = [
        Figure(what=f"{name}: recall@10", value=_mean(one.recall for one in asked), unit="", aim=_RECALL),
        Figure(what=f"{name}: p50", value=statistics.median(times), unit="ms"),
        Figure(what=f"{name}: p95", value=times[int(0.95 * len(times))], unit="ms", aim=_P95),
        Figure(what=f"{name}: quickest", value=times[0], unit="ms"),
        Figure(what=f"{name}: CPU of the server", value=_median(one.cpu_ms for one in asked), unit="ms"),
        Figure(what=f"{name}: own memory of the server", value=_own_mib(server["pid"]), unit="MiB"),
        Figure(
            what=f"{name}: numpy in process, p50", value=_median(one.limit_ms for one in asked), unit="ms"
        ),
    ]
    return figures, share


async def _ask(
    database: Database,
    asker: Principal,
    *,
    # `Any`: arrays and a generator of numpy.
    mine: Any,
    ids: Any,
    chance: Any,
    pid: int,
) -> _Answered:
    noise = _unit(chance.standard_normal((1, _DIMENSIONS)))
    vector = _unit(mine[chance.integers(len(mine))] + _NOISE * noise)[0]
    given = _parameters(vector, chance)
    began = time.perf_counter()
    # Only the ten best by vector are compared: words are searched, and count for nothing.
    best = set(ids[np.argsort(-(mine @ vector))[:_BEST]].tolist())
    limit_ms = (time.perf_counter() - began) * 1_000
    cpu_before, began = _cpu_ms(pid), time.perf_counter()
    async with database.transaction(asker) as session:
        found = await fetch_dicts(session, find_in(1), given)
    took_ms = (time.perf_counter() - began) * 1_000
    return _Answered(
        vector=given["vector"],
        nearest=frozenset(best),
        recall=len(best & {one["id"] for one in found}) / _BEST,
        took_ms=took_ms,
        cpu_ms=_cpu_ms(pid) - cpu_before,
        limit_ms=limit_ms,
    )


def _mean(values: Iterable[float]) -> float:
    return statistics.mean(values)


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _cpu_ms(pid: int) -> float:
    """Of a process so far, by the scheduler's own count: psutil's is in hundredths of a second."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def _own_mib(pid: int) -> float:
    """What the process alone holds: without the pages that all of the server share."""
    told = psutil.Process(pid).memory_info()
    return float(told.rss - told.shared) / 2**20


def _index_mib(house: House) -> float:
    with psycopg.connect(house.admin_url) as admin:
        told = admin.execute("SELECT pg_total_relation_size('search.passages_g1')").fetchone()
    assert told is not None
    return float(told[0]) / 2**20


# `Any`: arrays of numpy, and what a statement takes.
def _parameters(vector: Any, chance: Any) -> dict[str, Any]:
    places = [_place(int(one)) for one in set(chance.zipf(1.3, size=12) % _WORDS)]
    return {
        "places": places,
        "weights": [1.0] * len(places),
        "are_grams": [False] * len(places),
        "vector": _as_text(vector),
        "terms_weight": 0.0,
        "grams_weight": 0.0,
        "dense_weight": 1.0,
        "candidates": CANDIDATES,
        "limit": _BEST,
    }


def fill(house: House, tenant: TenantId, *, passages: int) -> Shelf:
    """As the superuser, past policies and triggers: 100,000 passages would take minutes the product's way."""
    chance = np.random.default_rng(5)
    vectors = _draw(chance, passages)
    with psycopg.connect(house.admin_url) as admin:
        given = {"tenant": tenant, "documents": passages // _A_DOCUMENT, "each": _A_DOCUMENT}
        admin.execute("SET session_replication_role = replica")
        for statement in (_DOCUMENTS, _VERSIONS, _PASSAGES):
            admin.execute(statement, given)
        people = [one for (one,) in admin.execute(_PEOPLE, given).fetchall()]
        documents = [
            one
            for (one,) in admin.execute(
                "SELECT id FROM app.document WHERE tenant_id = %(tenant)s ORDER BY id", given
            ).fetchall()
        ]
        for number, share in SHARES.items():
            admin.execute(
                "INSERT INTO app.document_reader (tenant_id, document_id, person_id)"
                " SELECT %(tenant)s, d.id, %(person)s FROM unnest(%(documents)s::bigint[]) AS d (id)",
                {"tenant": tenant, "person": people[number - 1], "documents": documents[::share]},
            )
        found = admin.execute(
            "SELECT id, document_id, version_id FROM app.document_passage WHERE tenant_id = %(tenant)s"
            " ORDER BY id",
            given,
        ).fetchall()
        _copy(admin, tenant, found, vectors)
    with psycopg.connect(house.admin_url, autocommit=True) as admin:
        # As autovacuum leaves it: with a map of what all may see, an index is read without its table.
        admin.execute("VACUUM ANALYZE")
    return Shelf(
        tenant=tenant,
        ids=[one[0] for one in found],
        versions=[one[2] for one in found],
        vectors=vectors,
        readers={number: people[number - 1] for number in SHARES},
    )


def _draw(chance: np.random.Generator, passages: int) -> Any:
    """Evenly strewn vectors have no neighbours, and an approximate index finds nothing among them."""
    kinds = chance.standard_normal((_DIRECTIONS, _DIMENSIONS), dtype=np.float32)
    drawn = chance.standard_normal((passages, _DIRECTIONS), dtype=np.float32) @ kinds
    drawn += chance.standard_normal((passages, _DIMENSIONS), dtype=np.float32)
    return _unit(drawn)


def _copy(
    admin: psycopg.Connection, tenant: TenantId, found: Sequence[tuple[int, ...]], vectors: Any
) -> None:
    chance = np.random.default_rng(6)
    likely = np.cumsum(1 / (1 + np.arange(_WORDS)))
    counts: Any = np.zeros(_WORDS, dtype=int)
    with admin.cursor().copy(
        "COPY search.passages_g1"
        " (tenant_id, key, digest, document_id, version_id, language, terms, embedding)"
        " FROM STDIN (FORMAT binary)"
    ) as rows:
        rows.set_types(["int8", "int8", "text", "int8", "int8", "text", "bytea", "bytea"])
        for (key, document, version), vector in zip(found, vectors, strict=True):
            words = np.unique(np.searchsorted(likely, chance.random(_TERMS) * likely[-1]))
            counts[words] += 1
            rows.write_row((tenant, key, "", document, version, "en", _terms(words), _half(vector)))
    with admin.cursor().copy(
        "COPY search.passages_g1_df (tenant_id, language, place, passages) FROM STDIN"
    ) as rows:
        rows.write_row((tenant, "en", 0, len(found)))
        for word in np.flatnonzero(counts):
            rows.write_row((tenant, "en", _place(int(word)), int(counts[word])))


# As pgvector receives them, in network order; as text a million of them take an hour.
def _terms(words: Any) -> bytes:
    places = np.sort(words * 7_919 % PLACES)
    head = np.array([PLACES, len(places), 0], dtype=">i4")
    return bytes(head.tobytes() + places.astype(">i4").tobytes() + np.full(len(places), 1.2, ">f4").tobytes())


def _half(vector: Any) -> bytes:
    return bytes(np.array([_DIMENSIONS, 0], dtype=">i2").tobytes() + vector.astype(">f2").tobytes())


def _place(word: int) -> int:
    return word * 7_919 % PLACES + 1


def _as_text(vector: Any) -> str:
    return str(vector.astype(float).round(4).tolist())


def _unit(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
