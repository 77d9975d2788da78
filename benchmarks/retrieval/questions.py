"""`retrieval`: questions with a known answer, asked of the product's own search in its own database.

JSQuAD (JGLUE, CC BY-SA 4.0) and any file of the same form: every paragraph of the file is a passage. Each
leg alone stands beside what the product does, which is never to be worse than the best of them by more than
a point."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks.figures import Aim, Figure, Section
from benchmarks.retrieval.shelving import Paper, make_tenant, shelve
from benchmarks.servers import House
from hrx.app.assistant.retrieval.finding import find_passages
from hrx.app.assistant.retrieval.retriever import WEIGHTS, Retriever, Weights
from hrx.app.platform.db import Database, open_database
from hrx.app.platform.tenancy import Principal, Role, TenantId
from hrx.kit.errors import Language

_MRR: Final = Aim(bound=0.93, is_lower_bound=True)
_FIRST: Final = Aim(bound=0.90, is_lower_bound=True)
_LOSS: Final = Aim(bound=1.0, is_lower_bound=False, unit="points")
_LIMIT: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question and the passage that answers it."""

    question: str
    answer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`mrr`: mean of 1 / place of the answer among the first ten; `first`: share of answers in place one."""

    mrr: float
    first: float
    five: float
    times_ms: Sequence[float]


async def measure_retrieval(house: House, *, files: Mapping[str, Path], most: int) -> Section:
    """`files`: by what they are called; `most`: questions asked of each file, from all of it evenly."""
    database = open_database(house.settings.database_url.get_secret_value())
    figures: list[Figure] = []
    try:
        for name, path in files.items():
            figures += await _measure_file(database, name, path, most=most)
    finally:
        await database.close()
    return Section(
        name="retrieval",
        notes=(
            "every paragraph of the file is a passage; questions through find_passages, one after the other",
            "ties by the passage's number; a paragraph that stands twice in the file is one passage",
        ),
        figures=figures,
    )


async def _measure_file(database: Database, name: str, path: Path, *, most: int) -> list[Figure]:
    tenant = await make_tenant(database)
    asked = await load(database, tenant, path)
    asked = asked[:: max(1, len(asked) // most)] if len(asked) > most else asked
    language: Language = "ja" if any("\u3040" <= one <= "\u30ff" for one in asked[0].question) else "en"
    whole = await ask(database, tenant, asked, retriever=Retriever())
    legs = {leg: await _ask_leg(database, tenant, asked, leg, language) for leg in _legs(language)}
    best = max(one.mrr for one in legs.values())
    times = sorted(whole.times_ms)
    raw = {"questions": len(asked)}
    return [
        Figure(what=f"{name}: MRR@10", value=whole.mrr, unit="", aim=_MRR, raw=raw),
        Figure(what=f"{name}: recall@1", value=whole.first, unit="", aim=_FIRST),
        Figure(what=f"{name}: recall@5", value=whole.five, unit=""),
        *(Figure(what=f"{name}: MRR@10, {leg} alone", value=one.mrr, unit="") for leg, one in legs.items()),
        Figure(what=f"{name}: below the best leg", value=100 * (best - whole.mrr), unit="points", aim=_LOSS),
        Figure(what=f"{name}: one question, p50", value=statistics.median(times), unit="ms"),
        Figure(what=f"{name}: one question, p95", value=times[int(0.95 * len(times))], unit="ms"),
    ]


def _legs(language: Language) -> tuple[str, ...]:
    return ("terms", "grams") if language == "ja" else ("terms", "dense")


async def _ask_leg(
    database: Database, tenant: TenantId, asked: Sequence[Asked], leg: str, language: Language
) -> Result:
    only = replace(Weights(terms=0.0, grams=0.0, dense=0.0), **{leg: 1.0})
    return await ask(database, tenant, asked, retriever=Retriever(weights={**WEIGHTS, language: only}))


async def load(database: Database, tenant: TenantId, path: Path) -> list[Asked]:
    """A file in SQuAD's form on the shelf, an article a document; gives its questions."""
    papers, questions = read_squad(await asyncio.to_thread(lambda: orjson.loads(path.read_bytes())))
    shelved = await shelve(database, tenant, papers)
    return [Asked(question=text, answer=shelved[paper][at]) for text, paper, at in questions]


def read_squad(found: Mapping[str, Any]) -> tuple[list[Paper], list[tuple[str, int, int]]]:
    """Papers, and questions as (text, number of the paper, number of the passage in it)."""
    papers: list[Paper] = []
    questions: list[tuple[str, int, int]] = []
    known: dict[str, tuple[int, int]] = {}
    for article in found["data"]:
        bodies: list[str] = []
        for paragraph in article["paragraphs"]:
            body = paragraph["context"].rpartition("[SEP]")[2].strip()
            place = known.setdefault(body, (len(papers), len(bodies)))
            if place == (len(papers), len(bodies)):
                bodies.append(body)
            questions += [(one["question"], *place) for one in paragraph["qas"]]
        if bodies:
            papers.append(Paper(title=article["title"], bodies=bodies))
    return papers, questions


async def ask(
    database: Database, tenant: TenantId, asked: Sequence[Asked], *, retriever: Retriever
) -> Result:
    """Each question in a transaction of its own, as an employee without a special right."""
    asker = Principal(tenant_id=tenant, user_id=None, person_id=None, roles=frozenset({Role.EMPLOYEE}))
    places: list[int | None] = []
    times: list[float] = []
    for one in asked:
        began = time.perf_counter()
        async with database.transaction(asker) as session:
            found = await find_passages(session, one.question, limit=_LIMIT, retriever=retriever)
        times.append((time.perf_counter() - began) * 1_000)
        ids = [passage.id for passage in found.passages]
        places.append(ids.index(one.answer) + 1 if one.answer in ids else None)
    count = len(asked)
    return Result(
        mrr=sum(1 / place for place in places if place is not None) / count,
        first=sum(place == 1 for place in places) / count,
        five=sum(place is not None and place <= 5 for place in places) / count,
        times_ms=times,
    )
