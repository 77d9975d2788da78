"""A page leaves the real plane by every channel, and the inbox of the development stack shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.operating import becomes_well, eventually, run_hrx
from tests.conftest import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(300)]


@pytest.fixture
def inbox(stack: Stack) -> Iterator[httpx.Client]:
    """The viewer of the stack under test, emptied; every stand-in is well again afterwards.

    What earlier tests broke is over first: a report during a storm would join the storm."""
    becomes_well(stack, within_s=60)
    for one in json.loads(run_hrx(stack, "incident", "list", "--json").stdout)["items"]:
        finish(stack, one["incident"])
    address = f"http://127.0.0.1:{stack.ports['inbox']}"
    with httpx.Client(base_url=address, headers={"Accept-Language": "en"}, trust_env=False) as client:
        client.post("/clear")
        yield client
        client.post("/moods", data={"stand_in": "slack", "mood": "well"})


def finish(stack: Stack, number: int) -> None:
    """What this test reported is over for the tests that come after it."""
    run_hrx(stack, "incident", "acknowledge", str(number))
    for verb in ("mitigate", "resolve"):
        run_hrx(stack, "incident", verb, str(number), "--reason", "over", "--yes")


def report(stack: Stack, said: str) -> int:
    done = run_hrx(stack, "incident", "report", said, "--severity", "1", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout)["incident"])


def arrived(inbox: httpx.Client, stand_in: str, words: str) -> list[dict[str, Any]]:
    """Messages about something, by one stand-in: the rest of a stack under test has pages of its own."""
    items = inbox.get("/messages.json").raise_for_status().json()["items"]
    return [
        one for one in items if one["stand_in"] == stand_in and words in json.dumps(one, ensure_ascii=False)
    ]


@pytest.mark.req("R4.3-2", "R5.1-2")
def test_an_incident_arrives_in_slack_in_pagerduty_and_when_slack_refuses_by_mail(
    stack: Stack, inbox: httpx.Client
) -> None:
    first = report(stack, "Payroll export stands still")
    eventually(
        lambda: len(arrived(inbox, "slack", "Payroll export")) >= 2, within_s=10, what="the place, a person"
    )
    eventually(lambda: bool(arrived(inbox, "pagerduty", "Payroll export")), within_s=10, what="PagerDuty")
    assert "C0HRXCRITICAL" in {one["to"] for one in arrived(inbox, "slack", "Payroll export")}
    assert arrived(inbox, "pagerduty", "Payroll export")[0]["key"] == f"hrx-incident:{first}"
    finish(stack, first)
    inbox.post("/moods", data={"stand_in": "slack", "mood": "refuses"})
    second = report(stack, "Time sheets cannot be opened")
    eventually(lambda: bool(arrived(inbox, "email", "Time sheets")), within_s=10, what="a mail")
    page = inbox.get("/").raise_for_status().text
    assert "Payroll export stands still" in page
    assert "Time sheets cannot be opened" in page
    finish(stack, second)


@pytest.mark.req("R5.1-2")
def test_the_button_in_slack_takes_the_incident_and_ends_the_paging(
    stack: Stack, inbox: httpx.Client
) -> None:
    number = report(stack, "Reviews lose their last sentence")
    eventually(lambda: bool(arrived(inbox, "slack", "Reviews lose")), within_s=10, what="a page")
    answer = inbox.post("/press", data={"incident": str(number), "user": "U0SUZUKI"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/?said=taken"
    shown = json.loads(run_hrx(stack, "incident", "show", str(number), "--json").stdout)
    assert shown["state"] == "acknowledged"
    assert "suzuki" in shown["acknowledged_by"]
    finish(stack, number)
