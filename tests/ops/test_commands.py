"""The ring from the command line, as scripts use it: dry runs, JSON, and exit codes 0 to 4."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hrx.ops import lock
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.entries import Ledger
from hrx.ops.operators.roles import Role
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity
from tests.conftest import ROOT
from tests.ops.conftest import PASSWORD, SmallMachine, make_operator
from tests.ops.incidents.conftest import make_signal, unresolved

pytestmark = pytest.mark.req("R5.4-1")


class Commands:
    """`hrx …` as a process of its own that finds the small machine and the ledger of the test."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hrx.cli", *arguments],
            env={**os.environ, **self._environment, **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def told(self, *arguments: str, code: int = 0, **environment: str) -> dict[str, Any]:
        """The JSON that a command prints, whatever it ends with. `Any`: each command has its own shape."""
        done = self.run(*arguments, "--json", **environment)
        assert done.returncode == code, done.stdout + done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told


@pytest.fixture
def hrx(machine: SmallMachine, ledger_url: str, ledger: Ledger) -> Commands:
    return Commands(machine.environment(ledger_url))


RESTART = ("procedure", "run", "restart-part", "--reason", "imports hang", "--yes")
WORKER = ("-p", "part=worker")
EDGE = ("-p", "part=haproxy")


def test_a_dry_run_shows_the_plan_and_leaves_no_trace(hrx: Commands, ledger: Ledger) -> None:
    planned = hrx.told("procedure", "plan", "restart-part", *WORKER, "--dry-run")
    ran = hrx.told(*RESTART, *WORKER, "--dry-run")
    assert planned["plan_hash"] == ran["plan_hash"]
    assert (planned["plan"], ran["dry_run"]) == (None, True)
    assert [step["key"] for step in ran["steps"]] == ["look", "restart"]
    assert ledger.head()[0] == 0


def test_0_a_part_is_restarted_and_the_run_is_on_record(hrx: Commands, machine: SmallMachine) -> None:
    before = {part.name: part.pid for part in machine.supervisor().list_parts()}["worker"]
    told = hrx.told(*RESTART, *WORKER)
    assert told["state"] == "succeeded"
    assert [step["state"] for step in told["steps"]] == ["done", "done", "done"]
    assert {part.name: part.pid for part in machine.supervisor().list_parts()}["worker"] != before
    assert hrx.told("procedure", "status", told["run"])["state"] == "succeeded"
    assert hrx.told("ledger", "verify")["is_valid"] is True


def test_1_a_restart_that_is_not_confirmed_from_outside_has_failed(
    hrx: Commands, machine: SmallMachine, impatient_runbook: Path
) -> None:
    machine.set_mood("worker", "not_ready")
    told = hrx.told(*RESTART, *WORKER, code=1, HRX_RUNBOOK_DIR=str(impatient_runbook))
    assert told["state"] == "failed"
    assert "Not confirmed from outside" in told["message"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((*RESTART, "-p", "part"), "cli.bad_param"),
        (RESTART, "procedure.wrong_params"),
        (("procedure", "run", "restart-part", *WORKER, "--yes"), "plan.no_reason"),
        (("procedure", "run", "restart-part", *WORKER, "--reason", "x"), "cli.not_confirmed"),
        (("procedure", "run"), "cli.wrong_use"),
        (("ledger", "list", "--kind", "gossip"), "ledger.unknown_kind"),
    ],
)
def test_2_wrong_use_changes_nothing(hrx: Commands, arguments: tuple[str, ...], code: str) -> None:
    assert hrx.told(*arguments, code=2)["error"]["code"] == code


def test_3_whoever_holds_the_lock_is_named(hrx: Commands, ledger: Ledger) -> None:
    with lock.holding(ledger, "part:worker", owner="sato", reason="an import is running", valid_s=120):
        told = hrx.told(*RESTART, *WORKER, code=3)
        shown = hrx.told("lock", "show")
    assert "sato" in told["error"]["message"]
    assert "an import is running" in told["error"]["message"]
    assert shown["items"][0]["owner"] == "sato"


def test_4_what_cannot_be_undone_needs_an_approver_who_is_not_its_author(
    hrx: Commands, ledger: Ledger
) -> None:
    for name in ("author", "second"):
        make_operator(ledger, name, role=Role.APPROVER)
    as_author = ("--operator", "author")
    refused = hrx.told(*RESTART, *EDGE, *as_author, code=4, HRX_OPERATOR_PASSWORD=PASSWORD)
    assert refused["error"]["code"] == "plan.not_approved"
    seq = str(hrx.told("procedure", "plans")["items"][0]["plan"])
    own = hrx.told(
        *("procedure", "approve", seq, "--yes"), *as_author, code=4, HRX_OPERATOR_PASSWORD=PASSWORD
    )
    assert own["error"]["code"] == "plan.author_may_not_approve"
    machine_user = hrx.told("procedure", "approve", seq, "--yes", code=4)
    assert machine_user["error"]["code"] == "plan.author_may_not_approve"
    hrx.told(*("procedure", "approve", seq, "--yes", "--operator", "second"), HRX_OPERATOR_PASSWORD=PASSWORD)
    done = hrx.told("procedure", "run", seq, "--yes", *as_author, HRX_OPERATOR_PASSWORD=PASSWORD)
    assert done["state"] == "succeeded"


def test_4_an_approval_dies_when_the_plan_would_be_another(
    hrx: Commands, machine: SmallMachine, ledger: Ledger
) -> None:
    make_operator(ledger, "second", role=Role.APPROVER)
    planned = hrx.told("procedure", "plan", "restart-part", *EDGE, "--reason", "certificates")
    seq = str(planned["plan"])
    approve = ("procedure", "approve", seq, "--yes", "--operator", "second")
    hrx.told(*approve, HRX_OPERATOR_PASSWORD=PASSWORD)
    machine.supervisor().stop("haproxy", timeout_s=10)
    assert hrx.told("procedure", "run", seq, "--yes", code=4)["error"]["code"] == "plan.drifted"
    again = hrx.told("procedure", "plan", "restart-part", *EDGE, "--reason", "certificates")
    assert again["plan_hash"] != planned["plan_hash"]


def test_conditions_that_are_another_matter_are_split_off_and_the_reason_is_told(
    hrx: Commands, plane: Plane
) -> None:
    keys = ("part-down:worker", "slow:worker")
    take_signals(plane, [make_signal(key, part="worker", severity=Severity.MINOR) for key in keys])
    (found,) = unresolved(plane)
    split = ("incident", "split", str(found.id), keys[1], "--reason", "two disks")
    assert hrx.told(*split, "--dry-run")["incident"] == found.id
    assert len(unresolved(plane)) == 1, "a dry run changes nothing"
    assert hrx.told(*split, code=2)["error"]["code"] == "cli.not_confirmed"
    other = hrx.told(*split, "--yes")["incident"]
    assert [one["key"] for one in hrx.told("incident", "show", str(other))["conditions"]] == [keys[1]]
    told = [one["en"] for one in hrx.told("incident", "show", str(found.id))["story"]]
    assert f"Split 1 condition off into incident {other}: two disks" in told
    refused = hrx.told("incident", "split", str(found.id), keys[0], "--reason", "x", "--yes", code=2)
    assert refused["error"]["code"] == "incident.bad_split", "an incident keeps one condition at least"


@pytest.mark.req("R5.2-1")
def test_one_check_or_a_whole_sop_is_asked_and_nothing_is_kept(hrx: Commands, ledger: Ledger) -> None:
    answer = hrx.told("sop", "check", "part.process", "-p", "part=worker")
    assert (answer["facts"]["state"], answer["failure"]) == ("running", None)
    assert hrx.told("sop", "check", "gossip", code=1)["error"]["code"] == "triage.no_check"
    assert hrx.told("sop", "check", "part.process", code=2)["error"]["code"] == "triage.wrong_params"
    would = hrx.told("sop", "run", "5.2.2", "--dry-run")["would_ask"]
    assert {"part.process", "edge.backends"} <= {one["check"] for one in would}
    asked = hrx.run("sop", "run", "5.2.2", HRX_LANGUAGE="en").stdout
    assert f"{len(would)} checks asked in" in asked
    assert ledger.head()[0] == 0
