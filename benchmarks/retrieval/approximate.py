"""What an approximate index would give in place of the exact search: HNSW over the same rows, asked for the
same questions, filtered by the same versions, with the settings that lose least."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from benchmarks.figures import Aim, Figure
from benchmarks.servers import House

#: Neighbours that are looked at; 40 is what one gets unasked.
_EF_SEARCH: Final = 200
_RECALL: Final = Aim(bound=0.99, is_lower_bound=True)
_INDEX: Final = """
CREATE INDEX passages_near ON search.passages_g1
USING hnsw ((embedding::public.halfvec({dimensions})) public.halfvec_ip_ops)
"""
#: Where sorting is not allowed the planner goes by the index; what comes in relaxed order is sorted after.
_SETTINGS: Final = (
    "SET max_parallel_maintenance_workers = 0",
    "SET maintenance_work_mem = '2GB'",
    "SET enable_sort = off",
    f"SET hnsw.ef_search = {_EF_SEARCH}",
    "SET hnsw.iterative_scan = relaxed_order",
)
_NEAREST: Final = """
WITH near AS MATERIALIZED (
  SELECT i.key, i.embedding::public.halfvec({dimensions}) OPERATOR(public.<#>) %(vector)s AS distance
  FROM search.passages_g1 AS i
  WHERE i.tenant_id = %(tenant)s AND i.version_id = ANY (%(versions)s)
  ORDER BY i.embedding::public.halfvec({dimensions}) OPERATOR(public.<#>) %(vector)s
  LIMIT %(best)s
)
SELECT n.key FROM near AS n ORDER BY n.distance
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question's vector as pgvector reads it, and the passages nearest to it of those that may be read."""

    vector: str
    nearest: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The questions of an asker, and the versions that the asker may read: handed over, at no cost."""

    name: str
    versions: Sequence[int]
    asked: Sequence[Asked]


def measure_approximate(
    house: House, shares: Sequence[Share], *, tenant: int, dimensions: int
) -> list[Figure]:
    with psycopg.connect(house.admin_url, autocommit=True) as admin:
        for setting in _SETTINGS:
            admin.execute(setting)
        began = time.perf_counter()
        # `dimensions` is a number of ours.
        admin.execute(_INDEX.format(dimensions=dimensions).encode())
        figures = [Figure(what="HNSW: built in", value=time.perf_counter() - began, unit="s")]
        for share in shares:
            figures += _measure(admin, share, tenant=tenant, dimensions=dimensions)
        admin.execute("DROP INDEX search.passages_near")
    return figures


def _measure(admin: psycopg.Connection, share: Share, *, tenant: int, dimensions: int) -> list[Figure]:
    nearest = _NEAREST.format(dimensions=dimensions).encode()
    recalls, times = [], []
    for one in share.asked:
        given = {
            "vector": one.vector,
            "tenant": tenant,
            "versions": list(share.versions),
            "best": len(one.nearest),
        }
        began = time.perf_counter()
        found = {key for (key,) in admin.execute(nearest, given).fetchall()}
        times.append((time.perf_counter() - began) * 1_000)
        recalls.append(len(found & one.nearest) / len(one.nearest))
    return [
        Figure(what=f"HNSW, {share.name}: recall@10", value=statistics.mean(recalls), unit="", aim=_RECALL),
        Figure(what=f"HNSW, {share.name}: p50", value=statistics.median(times), unit="ms"),
    ]
