"""Plans tried on PostgreSQL itself: what the abstract company shows is what the server does (R3.7-1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from hrx.ops.release.rollback.planning import plan_rollback
from hrx.ops.release.rollback.plans import RollbackRefused
from hrx.ops.release.rollback.state import SchemaState
from tests.conftest import PostgresServer
from tests.ops.release.making import FIRST, Company, make_company
from tests.ops.release.matrix import graph_of, list_situations, steps_of
from tests.ops.release.oracle import Situation, Step
from tests.ops.release.real_tables import Error, RealTables
from tests.ops.release.world import Code, Rename

pytestmark = pytest.mark.req("R3.7-1")


@contextmanager
def real_site(postgres: PostgresServer, company: Company, live: Code, revision: int) -> Iterator[RealTables]:
    """The company's whole life on a real database, as `Company.site_at` has it."""
    url = postgres.admin_url.rsplit("/", 1)[0] + "/tried"
    tables = RealTables(url)
    try:
        tables.up(FIRST)
        for number in range(revision + 1):
            if number:
                tables.up(company.ops[number - 1])
            for code in company.codes[: company.codes.index(live) + 1]:
                if code.revision == number:
                    assert list(tables.list_errors([code, code])) == [], "a release runs on its own schema"
        yield tables
    finally:
        tables.close()


def try_for_real(
    tables: RealTables, situation: Situation, steps: list[Step]
) -> tuple[set[Error], set[Error]]:
    """What the programs ran into before, and what they ran into on the way that they had not before."""
    serving, revision = list(situation.site.apis), situation.site.revision
    already = set(tables.list_errors(serving))
    found: set[Error] = set()
    for step in steps:
        if step == ("close",):
            serving = []
        elif step == ("open",):
            serving = [situation.to]
        elif "api" in step:
            found |= set(tables.list_errors([*serving, situation.to]))
            serving = [situation.to]
        elif step[0] == "schema":
            for number in range(revision - 1, int(step[1]) - 1, -1):
                try:
                    tables.down(situation.ops[number])
                except psycopg.Error as error:
                    found.add(("schema", str(error)))
            revision = int(step[1])
        found |= set(tables.list_errors(serving))
    return already, found - already


@pytest.fixture
def database(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS tried")
        connection.execute("CREATE DATABASE tried")


@pytest.mark.usefixtures("database")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 5, 21])
def test_no_plan_that_is_called_safe_breaks_on_postgresql(postgres: PostgresServer, seed: int) -> None:
    company = make_company(seed)
    graph, tried, with_schema = graph_of(company), 0, 0
    for situation, facts in list_situations(company):
        try:
            plan = plan_rollback(
                graph,
                graph.releases[situation.live.name],
                graph.releases[situation.to.name],
                SchemaState(revision=str(situation.site.revision)),
                facts,
                may_lose=frozenset(facts.rows),
                may_stop=True,
            )
        except RollbackRefused:
            continue
        steps = steps_of(plan)
        goes_down = any(step[0] == "schema" for step in steps)
        # Every way down, and every third of the others: they differ by what is switched, not by tables.
        if not goes_down and tried % 3:
            tried += 1
            continue
        with real_site(postgres, company, situation.live, situation.site.revision) as tables:
            _, broke = try_for_real(tables, situation, steps)
        assert broke == set(), f"{situation.live.name} → {situation.to.name} on {situation.site.revision}"
        tried, with_schema = tried + 1, with_schema + goes_down
    assert tried > 10
    assert with_schema > 0 or seed != 1


@pytest.mark.usefixtures("database")
@pytest.mark.timeout(300)
def test_the_abstract_company_breaks_where_postgresql_breaks(postgres: PostgresServer) -> None:
    """Switching without asking: the same statements fail, with and without the server."""
    company = make_company(5)
    assert not any(isinstance(op, Rename) for op in company.ops)
    broken = 0
    for number, (situation, _) in enumerate(list_situations(company)):
        if number % 4:
            continue
        site = replace(situation.site, db=situation.site.db.copy(), apis=[situation.to])
        expected = {(who.removeprefix("api "), what) for who, what in site.list_errors() if who[:3] == "api"}
        of_tables = {error for error in expected if "(table=" in error[1]}
        with real_site(postgres, company, situation.live, situation.site.revision) as tables:
            assert set(tables.list_errors([situation.to])) == of_tables
        broken += bool(of_tables)
    assert broken > 3
