"""One tenant or table back from a copy: just what was lost, nobody else touched, twice the same as once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hrx.kit import clock
from hrx.kit.errors import Invalid, Refused
from hrx.ops.recovery.checks.checking import check_copy
from hrx.ops.recovery.erasing import erase_person, new_order
from hrx.ops.recovery.returning import Returned, Scope, WouldContradict, bring_back, plan_return
from hrx.ops.seams.sessions import Session, SessionLost, opened_session
from tests.conftest import PostgresServer
from tests.ops.recovery.product import Product, copied, product_database

pytestmark = pytest.mark.req("R6.2-1")
REPLICA = "SET session_replication_role = replica; "
#: Tables that bringing rows back writes into by itself.
OWN = {"app.audit_entry", "app.audit_pending", "app.data_version", "app.knowledge_clock"}


@pytest.fixture(scope="module")
def copy(postgres: PostgresServer) -> Iterator[Product]:
    """From before somebody's accident; nobody writes into it."""
    with product_database(postgres) as product:
        yield product


@pytest.fixture
def pair(postgres: PostgresServer, copy: Product) -> Iterator[tuple[Product, Product]]:
    """The living system, the same to the byte until the accident, and the copy."""
    with copied(postgres, copy) as living:
        yield living, copy


@contextmanager
def sessions(living: Product, copy: Product) -> Iterator[tuple[Session, Session]]:
    with (
        opened_session(copy.admin, timeout_s=30) as there,
        opened_session(living.restore, timeout_s=30, is_read_only=False) as here,
    ):
        yield there, here


def bring(living: Product, copy: Product, scope: Scope) -> Returned:
    with sessions(living, copy) as (there, here):
        plan = plan_return(there, here, scope)
        return bring_back(
            there, here, scope, expected_rows=plan.rows, correlation_id="run-7", moment=clock.now()
        )


def rows_of(product: Product, tenant: int) -> dict[str, str]:
    """Every row of a tenant, by table, to the byte."""
    tables = product.ask(
        "SELECT a.attrelid::regclass::text FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid"
        " WHERE c.relkind = 'r' AND a.attname = 'tenant_id' AND c.relnamespace = 'app'::regnamespace"
    )
    rows = "SELECT string_agg({}, E'\\n' ORDER BY t::text) FROM {} AS t WHERE tenant_id = {}"
    # Of the other tenant not even the transaction that wrote a row last may be another.
    row = "t::text" if tenant == 1 else "t::text || t.xmin::text"
    return {str(table): str(product.ask(rows.format(row, table, tenant))) for (table,) in tables}


def is_well(product: Product) -> list[str]:
    with opened_session(product.admin, timeout_s=30) as session:
        return [one.said.en for one in check_copy(session, is_copy=False) if not one.is_well]


def lose_people(living: Product, *persons: int) -> None:
    listed = ", ".join(map(str, persons))
    for table in ("assignment_terms", "assignment", "employment_version", "employment", "person_version",
                  "person_private"):  # fmt: skip
        living.do(f"{REPLICA} DELETE FROM app.{table} WHERE person_id IN ({listed})")
    living.do(
        f"{REPLICA} DELETE FROM app.user_role WHERE user_id IN"
        f" (SELECT id FROM app.user_account WHERE person_id IN ({listed}));"
        f"DELETE FROM app.user_account WHERE person_id IN ({listed});"
        f"DELETE FROM app.person WHERE id IN ({listed})"
    )


def test_a_tenant_comes_back_to_the_byte_the_other_is_untouched(pair: tuple[Product, Product]) -> None:
    living, copy = pair
    mine, theirs = rows_of(living, 1), rows_of(living, 2)
    chance = random.Random(5)  # noqa: S311 - a seed, so that a failure can be seen again
    lose_people(living, *(100 + number for number in chance.sample(range(1, 21), 9)))
    assert rows_of(living, 1) != mine
    done = bring(living, copy, Scope(tenant=1))
    assert done.is_done
    assert done.rows == 9 * 9
    now = rows_of(living, 1)
    assert {name for name in mine if now[name] != mine[name]} == OWN & mine.keys()
    assert rows_of(living, 2) == theirs
    assert is_well(living) == []
    newest = (
        "SELECT action, correlation_id, details -> 'tables' ->> 'app.person' FROM app.audit_entry"
        " WHERE tenant_id = 1 ORDER BY id DESC LIMIT 1"
    )
    assert living.ask(newest) == [("data.brought_back_by_operations", "run-7", "9")]
    # Run twice, nothing happens the second time: not even an entry.
    again = bring(living, copy, Scope(tenant=1))
    assert (again.rows, rows_of(living, 1)) == (0, now)


def test_a_plan_changes_nothing_and_says_exactly_what_will_be_done(pair: tuple[Product, Product]) -> None:
    living, copy = pair
    lose_people(living, 103)
    before = rows_of(living, 1)
    with sessions(living, copy) as (there, here):
        plan = plan_return(there, here, Scope(tenant=1))
    assert (plan.is_done, plan.rows, rows_of(living, 1)) == (False, 9, before)
    assert bring(living, copy, Scope(tenant=1)).tables == plan.tables


def test_rows_changed_since_stay_unless_asked_and_history_stays_in_any_case(
    pair: tuple[Product, Product],
) -> None:
    living, copy = pair
    living.do(f"{REPLICA} UPDATE app.person_private SET city = '大阪' WHERE person_id = 104")
    living.do(f"{REPLICA} UPDATE app.employment_version SET known = tstzrange(lower(known), now())"
              " WHERE person_id = 105")  # fmt: skip
    kept = bring(living, copy, Scope(tenant=1))
    assert (kept.rows, {one.table: one.left for one in kept.tables}) == (
        0,
        {"app.person_private": 1, "app.employment_version": 1},
    )
    asked = bring(living, copy, Scope(tenant=1, table="app.person_private", restores_changed=True))
    assert asked.rows == 1
    assert living.ask("SELECT city FROM app.person_private WHERE person_id = 104") == [("東京",)]
    history = bring(living, copy, Scope(tenant=1, table="app.employment_version", restores_changed=True))
    assert (history.rows, history.tables[0].left) == (0, 1)


def test_some_rows_of_a_table_alone(pair: tuple[Product, Product]) -> None:
    living, copy = pair
    living.do(f"{REPLICA} DELETE FROM app.person_private WHERE tenant_id = 1")
    done = bring(living, copy, Scope(tenant=1, table="app.person_private", keys=(101, 102, 999)))
    assert done.rows == 2
    assert living.ask("SELECT person_id FROM app.person_private WHERE tenant_id = 1 ORDER BY 1") == [
        (101,),
        (102,),
    ]


def test_rows_without_what_they_point_at_are_refused_and_nothing_changes(
    pair: tuple[Product, Product],
) -> None:
    living, copy = pair
    lose_people(living, 106)
    before = rows_of(living, 1)
    with sessions(living, copy) as (there, here), pytest.raises(WouldContradict, match=r"app\.person"):
        plan_return(there, here, Scope(tenant=1, table="app.employment"))
    assert rows_of(living, 1) == before


def test_a_number_that_was_given_to_somebody_else_meanwhile_is_refused(pair: tuple[Product, Product]) -> None:
    living, copy = pair
    lose_people(living, 107)
    living.do(
        "INSERT INTO app.person (tenant_id, employee_number, family_kanji, search_text, kana_key)"
        " VALUES (1, 'E7', '佐藤', '佐藤', 'さ')"
    )
    before = rows_of(living, 1)
    with sessions(living, copy) as (there, here), pytest.raises(SessionLost, match="person_number_is_unique"):
        plan_return(there, here, Scope(tenant=1))
    assert rows_of(living, 1) == before


def test_more_rows_than_were_approved_are_refused(pair: tuple[Product, Product]) -> None:
    living, copy = pair
    lose_people(living, 108, 109)
    with sessions(living, copy) as (there, here), pytest.raises(Refused, match="approved"):
        bring_back(there, here, Scope(tenant=1), expected_rows=9, correlation_id="x", moment=None)
    assert living.ask("SELECT count(*) FROM app.person WHERE id IN (108, 109)") == [(0,)]


def test_somebody_erased_since_does_not_come_back_with_the_rows(pair: tuple[Product, Product]) -> None:
    living, copy = pair
    orders = tuple(new_order(tenant=1, person=person, by="aoki", reference="R") for person in (110, 111))
    copy.do(
        "INSERT INTO app.data_import (tenant_id, file_name, file_sha256, size_bytes, encoding, delimiter)"
        " VALUES (1, 'people.csv', 'x', 1, 'utf-8', ',')",
        "INSERT INTO app.data_import_row (tenant_id, import_id, row_number, action, has_problems, cells,"
        " problems, changes)"
        " SELECT 1, max(id), n, 'create', false, jsonb_build_object('number', 'E' || n), '[]', '[]'"
        " FROM app.data_import, generate_series(9, 13) AS n GROUP BY n",
    )
    with opened_session(living.restore, timeout_s=30, is_read_only=False) as session:
        erase_person(session, orders[0], correlation_id="run-1")
    # 110 is erased here, 111 was erased and is gone altogether, 112 was lost.
    lose_people(living, 111, 112)
    with sessions(living, copy) as (there, here):
        plan = plan_return(there, here, Scope(tenant=1), orders=orders)
        done = bring_back(
            there,
            here,
            Scope(tenant=1),
            expected_rows=plan.rows,
            correlation_id="run-8",
            moment=None,
            orders=orders,
        )
        again = plan_return(there, here, Scope(tenant=1), orders=orders)
    assert (done.erased_again, again.rows) == (1, 0)
    assert living.ask("SELECT person_id FROM app.person_private WHERE person_id IN (110, 111, 112)") == [
        (112,)
    ]
    assert living.ask("SELECT row_number FROM app.data_import_row ORDER BY 1") == [(9,), (12,), (13,)]
    assert "p10@t1" not in "".join(rows_of(living, 1).values())
    assert "p11@t1" not in "".join(rows_of(living, 1).values())
    copy.do("DELETE FROM app.data_import_row; DELETE FROM app.data_import")


def test_trails_and_unknown_tables_cannot_be_asked_for(pair: tuple[Product, Product]) -> None:
    living, copy = pair
    for table in ("app.audit_entry", "jobs.procrastinate_jobs", "app.person; DROP TABLE app.person"):
        with sessions(living, copy) as (there, here), pytest.raises(Invalid, match="cannot be brought back"):
            plan_return(there, here, Scope(tenant=1, table=table))
