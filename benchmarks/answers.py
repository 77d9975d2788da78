"""`answers`: how long a reader waits for the first citation and the whole answer, where no model is set up.

One process of the API on the loopback, one reader, one question after the other, from a file in SQuAD's form:
every paragraph is a document of its own that everybody may read. What counts is the reader's clock: from the
request until the event has arrived."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import orjson
from sqlalchemy import text

from benchmarks.crowds import Reader, open_app, sign_in
from benchmarks.figures import Aim, Figure, Section
from benchmarks.retrieval.questions import read_squad
from benchmarks.retrieval.shelving import Paper, make_tenant, shelve
from benchmarks.servers import House, Server, running_api
from hrx.app.platform.db import open_database
from hrx.app.platform.tenancy import Role, TenantId, system_principal

_FIRST: Final = Aim(bound=300, is_lower_bound=False, unit="ms")
_WARM: Final = 10
#: As the settings have it.
_PUBLIC_URL: Final = "http://127.0.0.1:8080"
# The text that citations are read again from; here a passage is the whole of it.
_TEXTS: Final = """
INSERT INTO app.document_text (version_id, document_id, body)
SELECT p.version_id, p.document_id, p.body FROM app.document_passage AS p
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Milliseconds until the first citation (None where nothing was found) and the end."""

    first_ms: float | None
    whole_ms: float


async def measure_answers(house: House, *, path: Path, most: int) -> Section:
    """At most so many questions of the file, from all of it evenly."""
    papers, asked = read_squad(await asyncio.to_thread(lambda: orjson.loads(path.read_bytes())))
    bodies = [(paper.title, body) for paper in papers for body in paper.bodies]
    tenant = await _shelve(house, [Paper(title=title, bodies=[body]) for title, body in bodies])
    async with open_app(house.settings) as app:
        reader = await sign_in(app, tenant_id=tenant, role=Role.EMPLOYEE)
    questions = [question for question, *_ in asked][:: max(1, len(asked) // most)][:most]
    with running_api(house) as server:
        for question in questions[:_WARM]:
            await _ask(server, reader, question)
        heard = [await _ask(server, reader, question) for question in questions]
    firsts = sorted(one.first_ms for one in heard if one.first_ms is not None)
    wholes = sorted(one.whole_ms for one in heard)
    raw = {"questions": len(heard), "documents": len(bodies)}
    return Section(
        name="answers without a model",
        notes=(
            f"{len(bodies):,} documents that the reader may see, {len(heard):,} questions, one at a time",
        ),
        figures=[
            Figure(what="first citation, p50", value=statistics.median(firsts), unit="ms", raw=raw),
            Figure(what="first citation, p95", value=_p95(firsts), unit="ms", aim=_FIRST),
            Figure(what="whole answer, p50", value=statistics.median(wholes), unit="ms"),
            Figure(what="whole answer, p95", value=_p95(wholes), unit="ms"),
            Figure(what="answered", value=100 * len(firsts) / len(heard), unit="%"),
        ],
    )


def _p95(times: list[float]) -> float:
    return times[int(0.95 * (len(times) - 1))]


async def _shelve(house: House, papers: list[Paper]) -> TenantId:
    database = open_database(house.settings.database_url.get_secret_value(), pool_size=2)
    try:
        tenant = await make_tenant(database)
        await shelve(database, tenant, papers)
        async with database.transaction(system_principal(tenant)) as session:
            await session.execute(text(_TEXTS))
    finally:
        await database.close()
    return tenant


async def _ask(server: Server, reader: Reader, question: str) -> Heard:
    first_ms: float | None = None
    headers = {**reader.headers, "Origin": _PUBLIC_URL}
    began = time.perf_counter()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=30) as client:
        stream = client.stream(
            "POST", "/api/v1/assistant/questions", json={"question": question}, headers=headers
        )
        async with stream as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                if first_ms is None and line == "event: citation":
                    first_ms = (time.perf_counter() - began) * 1_000
    return Heard(first_ms=first_ms, whole_ms=(time.perf_counter() - began) * 1_000)
