"""Directory, person page and org chart against the floor, in alternating rounds.

Four servers on one database: the product as shipped (Redis on), the product without Redis, and the floor,
which replays what the product without Redis sends. `cold` is the first answer after a change: the tenant's
data version is raised before every single request, so that nothing anybody remembered counts."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass

import psycopg

from benchmarks.crowds import Crowd, Reader, asking, make_crowd, open_app
from benchmarks.figures import AT_LEAST_FLOOR, P99_OF_PAGE, Aim, Figure, Section, ratio_of_rounds
from benchmarks.load import Load, Target, measure, measure_one_by_one
from benchmarks.recording import Statement, pack, recording
from benchmarks.servers import House, Server, running_api, running_floor

CONNECTIONS = 8
ROUNDS = 5
COLD_REQUESTS = 12
ALONE_REQUESTS = 100
NAMES = ("directory", "person", "chart")
#: In front of the paths whose statements were recorded with nothing remembered.
_COLD = "/cold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a screen of the portal asks for, by whom."""

    name: str
    paths: tuple[str, ...]
    reader: Reader

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        return tuple(self.reader.headers.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Who is compared."""

    shipped: Server
    uncached: Server
    floor: Server


async def measure_pages(house: House, *, people: int, names: Sequence[str], seconds: float) -> list[Section]:
    """One section for each page at this size."""
    crowd = await make_crowd(house, people=people)
    pages = [page for page in await _list_pages(house, crowd) if page.name.split()[0] in names]
    statements = await record_pages(house, pages)
    with ExitStack() as stack:
        servers = Servers(
            shipped=stack.enter_context(running_api(house, name="shipped")),
            uncached=stack.enter_context(running_api(house, name="uncached", HRX_REDIS_URL="")),
            floor=stack.enter_context(running_floor(house, pack(statements))),
        )
        return [await _measure_page(house, page, servers, people=people, seconds=seconds) for page in pages]


async def _list_pages(house: House, crowd: Crowd) -> list[Page]:
    listing = "/api/v1/people?limit=50"
    async with open_app(house.settings) as app, asking(app) as client:
        following = [listing]
        for _ in range(9):
            answer = await client.get(following[-1], headers=crowd.hr.headers)
            cursor = answer.raise_for_status().json()["next_cursor"]
            following.append(f"{listing}&cursor={cursor}")
    people = [f"/api/v1/people/{person_id}" for person_id in crowd.person_ids]
    details = [path for person in people for path in (person, f"{person}/history")]
    return [
        Page(name="directory (HR, 10 pages of 50)", paths=tuple(following), reader=crowd.hr),
        Page(name="directory (employee, first page)", paths=(listing,), reader=crowd.employee),
        Page(name="person (detail and history, 200 people)", paths=tuple(details), reader=crowd.hr),
        Page(name="chart (the whole tree)", paths=("/api/v1/org-chart?people=false",), reader=crowd.hr),
    ]


async def record_pages(house: House, pages: Sequence[Page]) -> dict[str, list[Statement]]:
    """The statements of every path: as sent while nothing changes, and (below /cold) after a change.

    Paths of two readers get different floors, hence the page's name in front."""
    recorded: dict[str, list[Statement]] = {}
    settings = house.settings.model_copy(update={"redis_url": None})
    async with open_app(settings) as app, asking(app) as client:
        # The driver asks for types once on a new connection; no page sends that.
        await client.get("/api/v1/session", headers=pages[0].reader.headers)
        for page in pages:
            for path in page.paths:
                raise_data_version(house, page.reader)
                for prefix in (_COLD, ""):
                    with recording() as heard:
                        answer = await client.get(path, headers=page.reader.headers)
                    answer.raise_for_status()
                    recorded[prefix + floor_path(page, path)] = list(heard)
    return recorded


def floor_path(page: Page, path: str) -> str:
    """Where the floor answers a page's path."""
    return f"/{page.name.split(',')[0].translate(str.maketrans(' (', '--'))}{path}"


def raise_data_version(house: House, reader: Reader) -> None:
    """What every change to people does: nothing that was remembered for this tenant is valid any more."""
    with psycopg.connect(house.admin_url, autocommit=True) as admin:
        admin.execute(
            "UPDATE app.data_version SET version = version + 1 WHERE tenant_id = %s", (reader.tenant_id,)
        )


async def _measure_page(
    house: House, page: Page, servers: Servers, *, people: int, seconds: float
) -> Section:
    paths = {
        "shipped": page.paths,
        "uncached": page.paths,
        "floor": tuple(floor_path(page, path) for path in page.paths),
    }
    runs: dict[str, list[Load]] = {name: [] for name in paths}
    cpu_ms: dict[str, list[float]] = {name: [] for name in paths}
    for name in paths:
        # Every connection prepares its statements, every cache is filled.
        await _load(page, getattr(servers, name), paths[name], seconds=1.0)
    for _ in range(ROUNDS):
        for name, asked in paths.items():
            server: Server = getattr(servers, name)
            before_s = server.cpu_s()
            load = await _load(page, server, asked, seconds=seconds)
            runs[name].append(load)
            cpu_ms[name].append((server.cpu_s() - before_s) * 1000 / load.requests)
    section = _tell(page, runs, cpu_ms, people=people)
    section.figures.append(await _measure_alone(page, servers, people=people))
    section.figures.extend(_tell_cold(await _measure_cold(house, page, servers)))
    return section


def _p99_aim(page: Page, *, people: int) -> Aim | None:
    return P99_OF_PAGE if page.name.startswith("directory") and people >= 100_000 else None


async def _measure_alone(page: Page, servers: Servers, *, people: int) -> Figure:
    """What one person waits while nobody else asks; under load above, a request mostly waits for others."""

    async def nothing() -> None:
        return

    target = Target(port=servers.uncached.port, paths=page.paths, headers=page.headers)
    loads = [
        _checked(
            await measure_one_by_one(target, requests=ALONE_REQUESTS, before=nothing),
            name="uncached",
            page=page,
        )
        for _ in range(ROUNDS)
    ]
    return Figure(
        what="product without Redis, one at a time: p99",
        value=statistics.median(load.p99_ms for load in loads),
        unit="ms",
        aim=_p99_aim(page, people=people),
        raw={"rounds": [asdict(load) for load in loads]},
    )


async def _load(page: Page, server: Server, paths: tuple[str, ...], *, seconds: float) -> Load:
    target = Target(port=server.port, paths=paths, headers=page.headers)
    load = await measure(target, connections=CONNECTIONS, duration_s=seconds)
    return _checked(load, name=server.name, page=page)


def _checked(load: Load, *, name: str, page: Page) -> Load:
    if load.failed:
        raise RuntimeError(f"{load.failed} of {load.requests} requests failed on {name}: {page.name}")
    return load


async def _measure_cold(house: House, page: Page, servers: Servers) -> dict[str, list[Load]]:
    async def change() -> None:
        await asyncio.to_thread(raise_data_version, house, page.reader)

    path = page.paths[0]
    cold: dict[str, list[Load]] = {"shipped": [], "floor": []}
    for _ in range(ROUNDS):
        for name, asked in (("shipped", path), ("floor", _COLD + floor_path(page, path))):
            target = Target(port=getattr(servers, name).port, paths=(asked,), headers=page.headers)
            load = await measure_one_by_one(target, requests=COLD_REQUESTS, before=change)
            cold[name].append(_checked(load, name=name, page=page))
    return cold


def _tell(
    page: Page,
    runs: dict[str, list[Load]],
    cpu_ms: dict[str, list[float]],
    *,
    people: int,
) -> Section:
    rates = {name: [load.requests_per_s for load in loads] for name, loads in runs.items()}
    p99_aim = _p99_aim(page, people=people)
    section = Section(
        name=f"{page.name}, {people:,} people, {CONNECTIONS} connections",
        notes=(
            "p50, p99 and req/s: medians of the rounds; ratio: median of the ratios of neighbouring rounds.",
        ),
    )
    for name, label in (
        ("uncached", "product without Redis"),
        ("shipped", "product as shipped"),
        ("floor", "floor"),
    ):
        loads = runs[name]
        section.figures.append(
            Figure(
                what=f"{label}: requests",
                value=statistics.median(rates[name]),
                unit="req/s",
                raw={"rounds": [asdict(load) for load in loads], "cpu_ms_per_request": cpu_ms[name]},
            )
        )
        for percentile in ("p50", "p99"):
            values = [getattr(load, f"{percentile}_ms") for load in loads]
            aim = p99_aim if percentile == "p99" and name != "floor" else None
            section.figures.append(
                Figure(what=f"{label}: {percentile}", value=statistics.median(values), unit="ms", aim=aim)
            )
        section.figures.append(
            Figure(what=f"{label}: CPU of its process", value=statistics.median(cpu_ms[name]), unit="ms/req")
        )
    section.figures.extend(_ratios(rates))
    return section


def _ratios(rates: dict[str, list[float]]) -> list[Figure]:
    return [
        Figure(
            what="product without Redis / floor",
            value=ratio_of_rounds(rates["uncached"], rates["floor"]),
            unit="",
            aim=AT_LEAST_FLOOR,
        ),
        Figure(
            what="product as shipped / floor",
            value=ratio_of_rounds(rates["shipped"], rates["floor"]),
            unit="",
            aim=AT_LEAST_FLOOR,
        ),
    ]


def _tell_cold(cold: dict[str, list[Load]]) -> list[Figure]:
    cold_p50 = {name: [load.p50_ms for load in loads] for name, loads in cold.items()}
    return [
        Figure(
            what="cold, one at a time: product p50",
            value=statistics.median(cold_p50["shipped"]),
            unit="ms",
            raw={name: [asdict(load) for load in loads] for name, loads in cold.items()},
        ),
        Figure(what="cold: floor p50", value=statistics.median(cold_p50["floor"]), unit="ms"),
        Figure(
            what="cold: floor's time / product's time",
            value=ratio_of_rounds(cold_p50["floor"], cold_p50["shipped"]),
            unit="",
            aim=AT_LEAST_FLOOR,
        ),
    ]
