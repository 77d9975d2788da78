"""One command brings everything up, again is harmless, whatever dies comes back, and down leaves nothing."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from hrx.ops.targets.machine.machine import PARTS, RESTING
from hrx.ops.targets.machine.processes import find_stack_processes, is_alive
from hrx.ops.targets.machine.supervisor import Supervisor
from tests.acceptance.operating import becomes_well, eventually, pids, run_hrx, status_of
from tests.conftest import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(300)]


@pytest.mark.req("R1-1")
def test_everything_is_up_and_answers_from_outside(stack: Stack) -> None:
    assert status_of(f"{stack.portal_url}/readyz") == 200
    assert status_of(f"{stack.portal_url}/web/readyz") == 200
    assert status_of(f"{stack.console_url}/readyz") == 200
    done = run_hrx(stack, "status", "--json", "--memory")
    assert done.returncode == 0, done.stdout
    told: dict[str, Any] = json.loads(done.stdout)
    states = {part["name"]: part["state"] for part in told["parts"]}
    assert states.keys() == PARTS.keys()
    assert {states[name] for name in PARTS if name not in RESTING} == {"running"}
    # 1.2 GiB is promised to a stack that rests (`python -m benchmarks memory`); this one worked for others.
    assert 0 < told["memory_bytes"] < 1.5 * 1024**3, told["parts"]


@pytest.mark.req("R1-1")
def test_up_again_changes_nothing(stack: Stack) -> None:
    # Other tests renew keys and wake slots: what that asks for is done by the first of the two.
    assert run_hrx(stack, "up", "--json").returncode == 0
    before = pids(stack)
    secrets = (stack.var / "secrets.env").read_bytes()
    done = run_hrx(stack, "up", "--json")
    assert done.returncode == 0, done.stderr
    assert pids(stack) == before
    assert (stack.var / "secrets.env").read_bytes() == secrets


@pytest.mark.req("R1-2")
@pytest.mark.parametrize("part", [name for name in PARTS if name not in RESTING])
def test_a_part_that_is_killed_comes_back_and_the_stack_is_ready_again(stack: Stack, part: str) -> None:
    before = pids(stack)[part]
    assert before is not None
    os.kill(before, signal.SIGKILL)
    eventually(lambda: pids(stack)[part] not in (None, before), within_s=30, what=f"{part} is restarted")
    for door in (
        f"{stack.portal_url}/readyz",
        f"{stack.portal_url}/web/readyz",
        f"{stack.console_url}/readyz",
    ):
        eventually(lambda door=door: status_of(door) == 200, within_s=60, what=door)  # type: ignore[misc]
    becomes_well(stack, within_s=60)


def test_every_part_is_known_as_a_process_of_this_stack(stack: Stack) -> None:
    """Without its supervisor a stack finds its processes by this mark alone; Redis once hid its own."""
    marked = {process.pid for process in find_stack_processes(str(stack.var))}
    assert {pid for pid in pids(stack).values() if pid is not None} <= marked


def test_no_program_knows_more_secrets_than_it_needs(stack: Stack) -> None:
    """Read from the kernel, not from our own configuration."""
    kept = dict(
        line.split("=", 1)
        for line in (stack.var / "secrets.env").read_text().splitlines()
        if line.startswith("HRX_")
    )
    found: dict[str, set[str]] = {}
    for part, pid in pids(stack).items():
        if pid is not None:
            words = "\0".join(psutil.Process(pid).environ().values())
            found[part] = {name for name, value in kept.items() if value in words}
            assert not any(value in " ".join(psutil.Process(pid).cmdline()) for value in kept.values())
    application = {"HRX_POSTGRES_APP_PASSWORD", "HRX_REDIS_PASSWORD", "HRX_SESSION_KEYS", "HRX_SEAL_KEYS"}
    assert found["api-blue"] == application
    assert found["worker"] == application
    # The plane alone opens what readers of the status page gave: the public process only seals.
    own = {"HRX_POSTGRES_OPS_PASSWORD", "HRX_REDIS_PASSWORD", "HRX_OPS_HOOK_TOKEN", "HRX_SUBSCRIBER_KEY"}
    assert found["ops"] == own
    assert "HRX_SUBSCRIBER_KEY" not in found["status"]
    assert found["backup"] == {"HRX_POSTGRES_OPS_PASSWORD"}
    for part in (
        "scoring",
        "postgres",
        "wal-receiver",
        "redis",
        "web-blue",
        "haproxy",
        "prometheus",
        "alertmanager",
    ):
        assert found[part] == set(), part


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs programs as another user")
def test_as_root_what_listens_with_data_runs_as_the_service_user(stack: Stack) -> None:
    for part in ("postgres", "wal-receiver", "redis", "haproxy", "prometheus", "alertmanager"):
        pid = pids(stack)[part]
        assert psutil.Process(pid).uids().real != 0, part


@pytest.mark.req("R5.4-1")
def test_status_and_logs_work_with_everything_down_and_down_leaves_no_process(stack: Stack) -> None:
    supervisor = Supervisor(stack.var / "run" / "supervisor.sock").pid()
    done = run_hrx(stack, "down")
    try:
        assert done.returncode == 0, done.stderr
        assert find_stack_processes(str(stack.var)) == []
        assert not is_alive(supervisor)
        assert not (stack.var / "postgres" / "postmaster.pid").exists()
        status = run_hrx(stack, "status")
        assert status.returncode == 1
        assert "not there" in status.stdout
        assert "api-blue" in run_hrx(stack, "logs").stdout
        assert run_hrx(stack, "down").returncode == 0
        control = run_hrx(stack, "logs", "postgres", "--json")
        assert "database system is shut down" in control.stdout
    finally:
        again = run_hrx(stack, "up", "--json")
    assert again.returncode == 0, again.stderr
    # A part that starts after those that miss it is no loss once all are there.
    assert [
        lost["en"] for lost in json.loads(again.stdout)["degraded"] if lost["en"].startswith("api:")
    ] == []


@pytest.mark.req("R1-1")
def test_after_the_supervisor_itself_was_killed_up_puts_everything_right(stack: Stack) -> None:
    before = pids(stack)
    os.kill(Supervisor(stack.var / "run" / "supervisor.sock").pid(), signal.SIGKILL)
    done = run_hrx(stack, "up", "--json")
    assert done.returncode == 0, done.stderr
    after = pids(stack)
    assert all(after[name] != before[name] for name in PARTS if name not in RESTING)
    assert len({process.pid for process in find_stack_processes(str(stack.var))} & set(before.values())) == 0
    becomes_well(stack, within_s=60)


def test_a_second_command_at_the_same_time_is_told_to_wait(stack: Stack) -> None:
    import fcntl

    with (stack.var / "run" / "up.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = run_hrx(stack, "up")
    assert done.returncode == 3
    assert "at work" in done.stderr


def test_secrets_that_became_readable_stop_the_start_with_the_command_to_type(stack: Stack) -> None:
    path = Path(stack.var / "secrets.env")
    path.chmod(0o640)
    try:
        done = run_hrx(stack, "up")
    finally:
        path.chmod(0o600)
    assert done.returncode == 4
    assert f"chmod 600 {path}" in done.stderr
