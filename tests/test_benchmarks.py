"""The bench's own arithmetic, and that its floor answers with the very rows that the product shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from benchmarks.crowds import Reader, asking, open_app, sign_in
from benchmarks.figures import Aim, Figure, ratio_of_rounds
from benchmarks.floor import create_floor
from benchmarks.load import summarise
from benchmarks.pages import Page, floor_path, record_pages
from benchmarks.recording import COMMIT, Statement, pack, unpack
from benchmarks.servers import House
from hrx.app.demo.bulk import load_crowd
from hrx.app.demo.loading import provide_tenant
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role
from hrx.app.settings import AppSettings
from tests.conftest import PostgresServer

_LISTING = "/api/v1/people?limit=50"


@pytest.fixture(scope="module")
def house(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> House:
    """The test's own database as the bench sees it."""
    return House(
        folder=tmp_path_factory.mktemp("bench"),
        admin_url=postgres.admin_url.rsplit("/", 1)[0] + "/hrx",
        owner_url=postgres.owner_url,
        settings=AppSettings(
            database_url=SecretStr(postgres.app_url),
            session_keys=SecretStr("s" * 48),
            seal_keys=SecretStr("t" * 48),
        ),
    )


@pytest_asyncio.fixture(scope="module")
async def reader(house: House, database: Database) -> Reader:
    """An HR user of a small crowd."""
    await load_crowd(database, slug="bench-test", people=80)
    tenant_id = await provide_tenant(database, slug="bench-test", name="")
    async with open_app(house.settings) as app:
        return await sign_in(app, tenant_id=tenant_id, role=Role.HR)


@pytest_asyncio.fixture(scope="module")
async def page(reader: Reader, house: House) -> Page:
    """The directory and one person in it."""
    async with open_app(house.settings) as app, asking(app) as client:
        listed = (await client.get(_LISTING, headers=reader.headers)).json()["items"]
    person = f"/api/v1/people/{listed[3]['id']}"
    return Page(name="directory (test)", paths=(_LISTING, person, "/api/v1/org-chart"), reader=reader)


@pytest_asyncio.fixture(scope="module")
async def recorded(page: Page, house: House) -> dict[str, list[Statement]]:
    """What the product sends for them, having been through a file as for the floor's process."""
    return unpack(pack(await record_pages(house, [page])))


@pytest_asyncio.fixture
async def floor(house: House, recorded: dict[str, list[Statement]]) -> AsyncIterator[httpx.AsyncClient]:
    """The floor inside this process."""
    app = create_floor(database_url=house.settings.database_url.get_secret_value(), recorded=recorded)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://floor") as client,
    ):
        yield client


async def test_floor_answers_the_rows_that_the_product_shows(
    house: House, page: Page, floor: httpx.AsyncClient
) -> None:
    async with open_app(house.settings) as app, asking(app) as client:
        product = (await client.get(_LISTING, headers=page.reader.headers)).json()["items"]
    sent: list[list[dict[str, Any]]] = (await floor.get(floor_path(page, _LISTING))).json()
    rows = next(rows for rows in sent if rows and "sort_key" in rows[0])
    # The product asks for one row more than it shows, to know whether there is a next page.
    assert [row["id"] for row in rows[:50]] == [item["id"] for item in product]
    assert [row["work_email"] for row in rows[:50]] == [item["work_email"] for item in product]


async def test_floor_signs_in_and_commits_like_the_product(
    page: Page, recorded: dict[str, list[Statement]], floor: httpx.AsyncClient
) -> None:
    for path in page.paths:
        statements = recorded[floor_path(page, path)]
        assert "app.begin_request" in statements[0].sql
        assert statements[-1].sql == COMMIT
        answer = await floor.get(floor_path(page, path))
        (signed_in,) = answer.json()[0]
        assert signed_in["tenant_id"] == page.reader.tenant_id


async def test_recorder_hears_what_is_remembered_and_the_audit_of_a_reading(
    page: Page, recorded: dict[str, list[Statement]]
) -> None:
    listing, person, _ = (floor_path(page, path) for path in page.paths)

    def holds(path: str, part: str) -> bool:
        return any(part in statement.sql for statement in recorded[path])

    assert holds("/cold" + listing, "FROM app.org_unit_version")
    assert holds("/cold" + listing, "count(*)")
    assert not holds(listing, "count(*)")
    assert not holds(listing, "FROM app.org_unit_version")
    assert holds(person, "INSERT INTO app.audit_entry")


def test_statements_survive_the_way_to_the_floor() -> None:
    sent = Statement(
        sql="SELECT %(a)s",
        parameters={
            "a": b"\x00\xff",
            "at": datetime(2026, 4, 1, 9, 0, tzinfo=UTC),
            "ids": [1, 2**40],
            "none": None,
        },
        binds_on_client=True,
    )
    assert unpack(pack({"/x": [sent]})) == {"/x": [sent]}
    with pytest.raises(TypeError, match="cannot be replayed"):
        pack({"/x": [Statement(sql="SELECT 1", parameters={"a": object()})]})


def test_ratio_compares_neighbouring_rounds() -> None:
    # The machine was twice as slow in the second round: what matters is each round's own ratio.
    assert ratio_of_rounds([80, 30, 90], [100, 50, 100]) == 0.8


def test_percentiles_and_rate_of_a_run() -> None:
    load = summarise([float(ms) for ms in range(1, 102)], failed=0, duration_s=2.0)
    assert (load.p50_ms, load.p99_ms, load.requests_per_s) == (51.0, 100.0, 50.5)


@pytest.mark.parametrize(
    ("is_lower_bound", "value", "verdict"),
    [(True, 0.6, "met"), (True, 0.59, "MISSED"), (False, 50, "met"), (False, 50.1, "MISSED")],
)
def test_aims_are_judged_on_their_own_side(is_lower_bound: bool, value: float, verdict: str) -> None:
    bound = 0.6 if is_lower_bound else 50
    aim = Aim(bound=bound, is_lower_bound=is_lower_bound)
    assert Figure(what="", value=value, unit="", aim=aim).verdict == verdict
