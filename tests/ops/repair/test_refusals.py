"""What a repair refuses before anything is done, and what it says."""

from __future__ import annotations

import pytest

from hrx.kit.errors import Invalid, Unavailable
from hrx.kit.settings import SecretStr
from hrx.ops.run.acting.database_door import DatabaseNotReached, act
from hrx.ops.run.acting.slots import NoSlot
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.run.planning import make_plan
from hrx.ops.settings import OpsSettings
from tests.conftest import PostgresServer, free_port
from tests.ops.conftest import SmallMachine
from tests.ops.repair.conftest import MachineWithDatabase

pytestmark = pytest.mark.req("R5.2-2")


def test_a_part_without_a_second_slot_cannot_be_switched_to(plane: Plane) -> None:
    with pytest.raises(NoSlot) as refused:
        make_plan(plane, "switch-slot", params={"part": "redis"})
    assert refused.value.hint is not None
    assert "api-green" in refused.value.hint.en


def test_what_was_found_in_one_database_is_not_done_in_another(
    settings: OpsSettings, machine: SmallMachine, postgres: PostgresServer
) -> None:
    elsewhere = SecretStr(f"postgresql://hrx_ops:x@127.0.0.1:{free_port()}/hrx")
    watching = settings.model_copy(update={"ops_database_url": elsewhere})
    with (
        opened_plane(watching, target=MachineWithDatabase(machine.layout, postgres)) as plane,
        pytest.raises(DatabaseNotReached) as refused,
    ):
        act(plane, "SELECT 1")
    assert "not the one" in refused.value.message.en


def test_with_the_database_gone_a_plan_is_made_carefully_and_its_run_says_why_it_cannot(plane: Plane) -> None:
    params = {"pid": "4711", "started": "2026-04-01 09:00:00+00"}
    plan = make_plan(plane, "end-blocking-session", params=params)
    assert plan.facts == {"session.is_there": "unknown"}
    assert make_plan(plane, "revoke-sessions", params={"of": "all"}).facts == {"sessions.open": "unknown"}
    with pytest.raises(Unavailable) as refused:
        act(plane, "SELECT 1")
    assert refused.value.stable_code == "machine.no_database_key"


def test_every_wrong_parameter_is_named_at_once(plane: Plane) -> None:
    with pytest.raises(Invalid) as refused:
        make_plan(plane, "block-source", params={"source": "nonsense", "minutes": "0", "colour": "red"})
    assert {(problem.field, problem.code) for problem in refused.value.fields} == {
        ("source", "unfit"),
        ("minutes", "unfit"),
        ("colour", "unknown"),
    }
