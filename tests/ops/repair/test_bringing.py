"""After a loss, through the ring: rows back, a person forgotten, effects released; each with four eyes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from hrx.kit.errors import Forbidden
from hrx.kit.settings import SecretStr
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.recovery.erasing import list_orders
from hrx.ops.recovery.site import Site, open_site
from hrx.ops.run.acting import bringing
from hrx.ops.run.approvals import approve
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.run.planning import propose
from hrx.ops.run.records import RunState
from hrx.ops.seams.sessions import Session, opened_session
from hrx.ops.settings import OpsSettings
from tests.conftest import PostgresServer
from tests.ops.conftest import SmallMachine, make_operator
from tests.ops.recovery.product import Product, copied, product_database
from tests.ops.repair.conftest import MachineWithDatabase, evidence_of, run_procedure

pytestmark = pytest.mark.req("R6.2-1")


@pytest.fixture(scope="module")
def yesterday(postgres: PostgresServer) -> Iterator[Product]:
    with product_database(postgres) as product:
        yield product


@pytest.fixture
def living(postgres: PostgresServer, yesterday: Product) -> Iterator[Product]:
    with copied(postgres, yesterday) as product:
        yield product


@pytest.fixture
def plane(
    settings: OpsSettings,
    machine: SmallMachine,
    postgres: PostgresServer,
    yesterday: Product,
    living: Product,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Plane]:
    """A machine whose living database had an accident, with one copy of the day before."""

    def opened_copy(_site: Site, name: str) -> AbstractContextManager[Session]:
        assert name == "yesterday"
        return opened_session(yesterday.admin, timeout_s=30)

    monkeypatch.setattr(bringing, "opened_copy", opened_copy)
    facts = SimpleNamespace(last_commit_at=datetime(2026, 11, 25, 9, tzinfo=UTC))
    monkeypatch.setattr(bringing, "get_copy", lambda _site, _name: facts)

    def url(of_server: str) -> str:
        return f"{of_server.rsplit('/', 1)[0]}/{living.name}"

    server = replace(
        postgres,
        owner_url=url(postgres.owner_url),
        app_url=url(postgres.app_url),
        ops_url=url(postgres.ops_url),
        repair_url=url(postgres.repair_url),
        restore_url=url(postgres.restore_url),
    )
    seeing = settings.model_copy(
        update={"ops_database_url": SecretStr(server.ops_url), "backup_dir": tmp_path / "backups"}
    )
    with opened_plane(seeing, target=MachineWithDatabase(machine.layout, server)) as opened:
        yield opened


@pytest.fixture
def responder(plane: Plane) -> Actor:
    return make_operator(plane.ledger, "aoki")


@pytest.fixture
def approver(plane: Plane) -> Actor:
    return make_operator(plane.ledger, "sato", role=Role.APPROVER)


def lose_addresses(living: Product) -> None:
    living.do("SET session_replication_role = replica; DELETE FROM app.person_private WHERE tenant_id = 1")


def params(rows: int) -> dict[str, str]:
    return {"copy": "yesterday", "tenant": "1", "table": "app.person_private", "rows": str(rows)}


def test_lost_rows_come_back_by_a_plan_that_another_person_approved(
    plane: Plane, living: Product, responder: Actor, approver: Actor
) -> None:
    lose_addresses(living)
    record = propose(
        plane, "bring-back-rows", params=params(20), reason="deleted by mistake", actor=responder
    )
    with pytest.raises(Forbidden):
        approve(plane, record.seq, actor=responder, plan_hash=record.plan.plan_hash)
    run = run_procedure(plane, "bring-back-rows", params(20), actor=responder, approver=approver)
    assert run.state is RunState.SUCCEEDED
    assert evidence_of(run, "bring-back")["rows"] == 20
    assert evidence_of(run, "none-left")["rows_left"] == 0
    assert living.ask("SELECT count(*) FROM app.person_private WHERE tenant_id = 1") == [(20,)]
    # Nothing out of a row is on record.
    told = b"".join(plane.ledger.export()).decode()
    assert "mail.example" not in told
    assert "山田" not in told


def test_another_number_of_rows_than_was_approved_is_not_brought_back(
    plane: Plane, living: Product, responder: Actor, approver: Actor
) -> None:
    lose_addresses(living)
    run = run_procedure(plane, "bring-back-rows", params(19), actor=responder, approver=approver)
    assert run.state is not RunState.SUCCEEDED
    assert living.ask("SELECT count(*) FROM app.person_private WHERE tenant_id = 1") == [(0,)]


def test_a_person_is_erased_the_order_kept_and_the_rows_stay_gone_when_a_table_comes_back(
    plane: Plane, living: Product, responder: Actor, approver: Actor
) -> None:
    asked = {"tenant": "1", "person": "105", "reference": "R-2026-7"}
    run = run_procedure(plane, "erase-person", asked, actor=responder, approver=approver)
    assert run.state is RunState.SUCCEEDED
    (order,) = list_orders(open_site(plane.settings).folder)
    assert (order.tenant, order.person, order.reference) == (1, 105, "R-2026-7")
    lose_addresses(living)
    back = run_procedure(plane, "bring-back-rows", params(19), actor=responder, approver=approver)
    assert back.state is RunState.SUCCEEDED
    assert living.ask("SELECT count(*) FROM app.person_private WHERE person_id = 105") == [(0,)]


def test_held_effects_are_counted_then_released(
    plane: Plane, living: Product, responder: Actor, approver: Actor
) -> None:
    job = (
        "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, args)"
        " VALUES ('default', 'mail.send', '{}')"
    )
    living.do(job, job, "SELECT seam.hold_effects('restored', 'run-1')", job)
    run = run_procedure(plane, "release-effects", {"past": "drop"}, actor=responder, approver=approver)
    assert run.state is RunState.SUCCEEDED
    waiting = evidence_of(run, "look")["waiting"]
    assert waiting == [
        {"task": "mail.send", "of_the_past": False, "jobs": 1, "tenants": 0},
        {"task": "mail.send", "of_the_past": True, "jobs": 2, "tenants": 0},
    ]
    assert evidence_of(run, "release") == {"was_held": True, "dropped": 2}
    left = living.ask("SELECT status::text, count(*) FROM jobs.procrastinate_jobs GROUP BY 1 ORDER BY 1")
    assert left == [("cancelled", 2), ("todo", 1)]


def test_the_living_role_signs_in_nowhere_but_here(living: Product) -> None:
    with psycopg.connect(living.restore) as session:
        may = session.execute(
            "SELECT has_schema_privilege('gate', 'USAGE'), has_table_privilege('app.audit_entry', 'DELETE'),"
            " has_table_privilege('app.person', 'DELETE')"
        ).fetchone()
    assert may == (False, False, False)
