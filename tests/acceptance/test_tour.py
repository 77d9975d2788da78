"""The tour of the README, step by step: a fault, a page, a diagnosis, a repair, a post-mortem."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hrx.ops.targets.machine.environment import checkout
from tests.acceptance.operating import becomes_well, eventually, run_hrx
from tests.conftest import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(400)]
API_PART = "api-blue"


@pytest.fixture
def practise(stack: Stack) -> Iterator[subprocess.Popen[str]]:
    """The first terminal: the API is frozen, and the command only watches."""
    becomes_well(stack, within_s=60)
    for one in json.loads(run_hrx(stack, "incident", "list", "--json").stdout)["items"]:
        run_hrx(stack, "incident", "resolve", str(one["incident"]), "--reason", "before the tour", "--yes")
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    process = subprocess.Popen(
        [sys.executable, "-m", "hrx.cli", "drill", "practise", "api-hung", "--minutes", "4", "--yes"],
        env={**kept, **stack.environment, "HRX_LANGUAGE": "en"},
        cwd=checkout(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=20)
        run_hrx(stack, "drill", "abort", "--yes")
        becomes_well(stack, within_s=60)


def incidents(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run_hrx(stack, "incident", "list", "--json").stdout)["items"]
    return found


def about_the_api(stack: Stack) -> list[dict[str, Any]]:
    return [one for one in incidents(stack) if one["part"] == API_PART]


def shown(stack: Stack, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run_hrx(stack, "incident", "show", str(number), "--json").stdout)
    return found


@pytest.mark.req("R5.2-2", "R5.3-1", "R5.4-1")
def test_a_newcomer_goes_from_a_fault_to_a_post_mortem(stack: Stack, practise: subprocess.Popen[str]) -> None:
    address = f"http://127.0.0.1:{stack.ports['inbox']}"
    with httpx.Client(base_url=address, trust_env=False, timeout=10) as inbox:
        # Not emptied: it may have been paged by now, and no two incidents share a number.
        eventually(lambda: bool(about_the_api(stack)), within_s=60, what="an incident about the API")
        number = int(about_the_api(stack)[0]["incident"])
        key = f"hrx-incident:{number}"
        eventually(
            lambda: key in inbox.get("/messages.json").text,
            within_s=30,
            what=lambda: f"the page in the inbox; {shown(stack, number)['story']}",
        )
        assert inbox.post("/press", data={"incident": str(number), "user": "U0SUZUKI"}).status_code == 303
    assert shown(stack, number)["acknowledged_by"]

    def told() -> str:
        return " ".join(str(one) for one in shown(stack, number)["story"])

    eventually(lambda: "The API hangs" in told(), within_s=90, what="the right cause in the time line")
    repaired = run_hrx(
        stack, "procedure", "run", "resume-part", "-p", f"part={API_PART}", "--incident", str(number),
        "--reason", "tour", "--yes", "--json",
    )  # fmt: skip
    assert json.loads(repaired.stdout)["state"] == "succeeded", repaired.stdout + repaired.stderr
    said, _ = practise.communicate(timeout=120)
    assert practise.returncode == 0, said
    for word in ("noticed after", "paged after", "people"):
        assert word in said
    # What a long outage costs of the month's budget is told apart, and goes on after the repair.
    assert len([one for one in incidents(stack) if "budget" not in one["title"]["en"]]) == 1, "one fault"
    status = httpx.get(f"http://127.0.0.1:{stack.ports['status']}/", trust_env=False, timeout=10)
    assert status.status_code == 200
    assert "Done: " in told(), "the repair is in the incident's time line"
    run_hrx(stack, "incident", "resolve", str(number), "--reason", "resumed", "--yes")
    run_hrx(stack, "post-mortem", "begin", str(number))
    written = run_hrx(stack, "post-mortem", "show", str(number))
    assert written.returncode == 0, written.stderr
    assert any(title in written.stdout for title in ("The API hangs", "API が固まっている")), written.stdout
