"""A plane that may repair: the small machine's parts beside a real PostgreSQL with the product's schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import psycopg
import pytest

from hrx.kit.settings import SecretStr
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.plan import ApprovalRule
from hrx.ops.run.approvals import approve
from hrx.ops.run.executor import new_run_id, run_plan
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.run.planning import propose
from hrx.ops.run.records import RunRecord
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.roles import reset_password
from tests.conftest import _PASSWORDS, PostgresServer
from tests.ops.conftest import SmallMachine, make_operator


class MachineWithDatabase(Machine):
    """The small machine, with keys to the tests' PostgreSQL instead of one of its own."""

    def __init__(self, layout: Layout, server: PostgresServer) -> None:
        super().__init__(layout)
        self._server = server

    def database_url(self, role: str) -> str:
        return {
            "hrx_owner": self._server.owner_url,
            "hrx_app": self._server.app_url,
            "hrx_ops": self._server.ops_url,
            "hrx_repair": self._server.repair_url,
            "hrx_restore": self._server.restore_url,
        }[role]

    def reset_database_password(self, role: str) -> None:
        reset_password(self._server.admin_url, role, _PASSWORDS[role])


@pytest.fixture
def repairing(settings: OpsSettings, machine: SmallMachine, postgres: PostgresServer) -> Iterator[Plane]:
    """The plane, watching the tests' PostgreSQL and allowed to repair it."""
    seeing = settings.model_copy(
        update={"ops_database_url": SecretStr(postgres.ops_url), "look_timeout_s": 1.5}
    )
    with opened_plane(seeing, target=MachineWithDatabase(machine.layout, postgres)) as opened:
        yield opened


@pytest.fixture
def responder(repairing: Plane) -> Actor:
    return make_operator(repairing.ledger, "aoki")


@pytest.fixture
def approver(repairing: Plane) -> Actor:
    return make_operator(repairing.ledger, "sato", role=Role.APPROVER)


@pytest.fixture
def owner(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A session of the schema's owner."""
    with psycopg.connect(postgres.owner_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def admin(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A session of the superuser, in the product's database."""
    with psycopg.connect(postgres.admin_url, dbname="hrx", autocommit=True) as opened:
        yield opened


def run_procedure(
    plane: Plane,
    procedure: str,
    params: Mapping[str, str],
    *,
    actor: Actor,
    approver: Actor | None = None,
) -> RunRecord:
    """Plan, have it approved by whoever must, and run it to its end."""
    record = propose(plane, procedure, params=params, reason="test", actor=actor)
    if record.plan.approval_needed is not ApprovalRule.NONE:
        word = approver if record.plan.approval_needed is ApprovalRule.OTHER else actor
        assert word is not None
        approve(plane, record.seq, actor=word, plan_hash=record.plan.plan_hash)
    return run_plan(plane, record.seq, actor=actor, run_id=new_run_id())


def evidence_of(run: RunRecord, step: str) -> Mapping[str, object]:
    return next(item.evidence for item in run.steps if item.step.key == step)
