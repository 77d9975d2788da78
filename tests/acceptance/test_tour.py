"""The tour of the README, step by step: a fault, a page, a diagnosis, a repair, a post-mortem."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hrx.ops.targets.machine.environment import checkout
from tests.acceptance.operating import (
    becomes_well,
    eventually,
    finish_all,
    list_incidents,
    put_blue_live,
    run_hrx,
)
from tests.conftest import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(400)]
API_PART = "api-blue"


class Practise:
    """The first terminal: the API is frozen, and the command only watches. What it says goes to a file."""

    def __init__(self, stack: Stack, said: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
        self._said = said
        with said.open("w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hrx.cli", "drill", "practise", "api-hung", "--minutes", "4", "--yes"],
                env={**kept, **stack.environment, "HRX_LANGUAGE": "en", "PYTHONUNBUFFERED": "1"},
                cwd=checkout(),
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self._said.read_text(encoding="utf-8")

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=20)


def begin(stack: Stack, said: Path) -> Practise:
    """Begun, and noticed or ended by itself."""
    begun = Practise(stack, said)
    try:
        eventually(
            lambda: begun.process.poll() is not None or bool(about_the_api(stack)),
            within_s=120,
            what=lambda: f"an incident about the API; {list_incidents(stack)}; {begun.said()}",
        )
    except AssertionError:
        begun.end()
        raise
    return begun


@pytest.fixture
def practise(stack: Stack, tmp_path: Path) -> Iterator[Practise]:
    put_blue_live(stack)
    becomes_well(stack, within_s=180)
    try:
        # Beside a real incident it refuses, and a busy machine may open one between the two commands.
        for attempt in range(3):
            finish_all(stack)
            begun = begin(stack, tmp_path / f"practise-{attempt}.txt")
            if begun.process.poll() is None:
                break
        yield begun
        begun.end()
    finally:
        run_hrx(stack, "drill", "abort", "--yes")
        becomes_well(stack, within_s=180)


def about_the_api(stack: Stack) -> list[dict[str, Any]]:
    return [one for one in list_incidents(stack) if one["part"] == API_PART]


def shown(stack: Stack, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run_hrx(stack, "incident", "show", str(number), "--json").stdout)
    return found


@pytest.mark.req("R5.2-2", "R5.3-1", "R5.4-1")
def test_a_newcomer_goes_from_a_fault_to_a_post_mortem(stack: Stack, practise: Practise) -> None:
    address = f"http://127.0.0.1:{stack.ports['inbox']}"
    with httpx.Client(base_url=address, trust_env=False, timeout=10) as inbox:
        # Not emptied: it may have been paged by now, and no two incidents share a number.
        assert practise.process.poll() is None, practise.said()
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
    practise.process.wait(timeout=120)
    said = practise.said()
    assert practise.process.returncode == 0, said
    for word in ("noticed after", "paged after", "people"):
        assert word in said
    # What a long outage costs of the month's budget is told apart, and goes on after the repair.
    assert len([one for one in list_incidents(stack) if "budget" not in one["title"]["en"]]) == 1, "one fault"
    status = httpx.get(f"http://127.0.0.1:{stack.ports['status']}/", trust_env=False, timeout=10)
    assert status.status_code == 200
    assert "Done: " in told(), "the repair is in the incident's time line"
    run_hrx(stack, "incident", "resolve", str(number), "--reason", "resumed", "--yes")
    run_hrx(stack, "post-mortem", "begin", str(number))
    written = run_hrx(stack, "post-mortem", "show", str(number))
    assert written.returncode == 0, written.stderr
    assert any(title in written.stdout for title in ("The API hangs", "API が固まっている")), written.stdout
