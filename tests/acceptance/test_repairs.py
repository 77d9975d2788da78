"""Faults made by hand on a whole stack: triage proposes the repair, and running it ends the symptom."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.operating import becomes_well, eventually, pids, run_hrx, status_of
from tests.conftest import Stack
from tests.ops.browsing import Browser

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(300),
    pytest.mark.req("R5.2-2", "R5.2-3"),
]


# `Any`: JSON.
def proposals_of(stack: Stack, sop: str, *, cause: str) -> list[dict[str, Any]]:
    """What the triage proposes for this cause, which it must blame first."""
    told = json.loads(run_hrx(stack, "sop", "run", sop, "--json").stdout)
    assert told["first_cause"] == cause, [
        item["id"] for item in told["causes"] if item["verdict"] == "supported"
    ]
    found: list[dict[str, Any]] = next(item for item in told["causes"] if item["id"] == cause)["proposals"]
    return found


def run_procedure(stack: Stack, procedure: str, params: dict[str, str], *, four_eyes: bool = False) -> None:
    """Plan it, have it approved by clicks of another person where that is the rule, and run it."""
    given = [word for name, value in params.items() for word in ("-p", f"{name}={value}")]
    planned = run_hrx(stack, "procedure", "plan", procedure, *given, "--reason", "test", "--json")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    plan = json.loads(planned.stdout)
    assert (plan["approval_needed"] == "other") is four_eyes
    if four_eyes:
        browser = Browser(stack.console_url)
        browser.sign_in(stack.operator.email, stack.operator.password)
        given_word = browser.post(f"/plans/{plan['plan']}/approve", plan_hash=plan["plan_hash"])
        browser.close()
        assert given_word.status_code == 303, given_word.text
    done = run_hrx(stack, "procedure", "run", str(plan["plan"]), "--yes", "--json")
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def suspended(stack: Stack, part: str) -> Iterator[int]:
    """The part's process stopped by a signal; it goes on afterwards, whatever happened."""
    pid = pids(stack)[part]
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGCONT)


def test_a_suspended_api_is_resumed_as_triage_proposes(stack: Stack) -> None:
    with suspended(stack, "api-blue") as pid:
        ready = f"{stack.portal_url}/readyz"
        eventually(lambda: status_of(ready) != 200, within_s=20, what="the API is seen to hang")
        first = proposals_of(stack, "5.2.2", cause="api-hung")[0]
        assert (first["procedure"], first["params"]) == ("resume-part", {"part": "api-blue"})
        run_procedure(stack, first["procedure"], first["params"])
        assert status_of(ready) == 200
        assert pids(stack)["api-blue"] == pid, "it was not restarted"


def signed_in(stack: Stack) -> httpx.Client:
    """A browser of HR, signed in to the product."""
    account = stack.accounts["hr"]
    client = httpx.Client(base_url=stack.portal_url, headers={"Origin": stack.portal_url}, timeout=15)
    answer = client.post("/api/v1/auth/login", json={"email": account.email, "password": account.password})
    assert answer.status_code == 200, answer.text
    return client


def test_requests_move_to_a_slot_that_rested_and_back(stack: Stack) -> None:
    version = f"{stack.portal_url}/version"
    run_procedure(stack, "switch-slot", {"part": "api-green"})
    assert httpx.get(version, timeout=5).json()["slot"] == "green"
    run_procedure(stack, "switch-slot", {"part": "api-blue"})
    assert httpx.get(version, timeout=5).json()["slot"] == "blue"
    becomes_well(stack, within_s=60)


def test_signing_keys_are_renewed_with_a_second_persons_click_and_nobody_is_signed_out(stack: Stack) -> None:
    client = signed_in(stack)
    before, started = stack.secret("HRX_SESSION_KEYS"), pids(stack)["api-blue"]
    run_procedure(stack, "rotate-session-keys", {}, four_eyes=True)
    becomes_well(stack, within_s=60)
    assert stack.secret("HRX_SESSION_KEYS") != before
    assert pids(stack)["api-blue"] != started
    assert client.get("/api/v1/session").status_code == 200
    client.close()


def test_evidence_is_kept_of_a_running_stack(stack: Stack) -> None:
    run_procedure(stack, "keep-evidence", {"label": "acceptance"})
    folder = next((stack.var / "ops" / "evidence").glob("*-acceptance"))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["missing"] == {}
    everything = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    for name in ("HRX_POSTGRES_ADMIN_PASSWORD", "HRX_SESSION_KEYS", "HRX_SEAL_KEYS", "HRX_OPS_HOOK_TOKEN"):
        assert stack.secret(name) not in everything, name
    assert "@minato-seiki.example" not in everything
