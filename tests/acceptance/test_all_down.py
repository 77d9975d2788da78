"""The operations plane while the product is gone: console, commands, runbook, ledger and procedures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.acceptance.operating import (
    PART_TIMEOUT_S,
    eventually,
    pids,
    run_hrx,
    status_of,
    stopped,
    stopped_again,
    supervisor_of,
)
from tests.conftest import Stack
from tests.ops.browsing import Browser, wait_for

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(300),
    pytest.mark.req("R5.4-1"),
]

#: The product: its data, its cache, its program and its pages. The edge stays and has nobody behind it.
PRODUCT = ("web-blue", "api-blue", "redis", "postgres")


@pytest.fixture(scope="module")
def product_down(stack: Stack) -> Iterator[Stack]:
    with stopped(stack, *PRODUCT):
        yield stack


@pytest.fixture
def operator(product_down: Stack) -> Iterator[Browser]:
    """A browser signed in to the console, after everything was stopped."""
    browser = Browser(product_down.console_url)
    answer = browser.sign_in(product_down.operator.email, product_down.operator.password)
    assert answer.status_code == 303, answer.text
    yield browser
    browser.close()


def test_the_product_really_is_down(product_down: Stack) -> None:
    assert {name: pids(product_down)[name] for name in PRODUCT} == dict.fromkeys(PRODUCT)
    assert status_of(f"{product_down.portal_url}/readyz") == 503
    assert status_of(f"{product_down.portal_url}/web/readyz") == 503


def test_the_console_signs_in_and_lists_what_is_down_with_what_is_lost(operator: Browser) -> None:
    page = operator.get("/")
    assert page.status_code == 200
    for part in PRODUCT:
        # A part that ends is "stopping" first, and a state is told when two looks agree.
        eventually(lambda part=part: "Down" in row_of(operator, part), within_s=30, what=part)  # type: ignore[misc]
    assert "can neither read nor write" in operator.get("/fragments/parts").text


def row_of(operator: Browser, part: str) -> str:
    """A part's row in the table of the overview."""
    rows = operator.get("/fragments/parts").text
    row = rows[rows.index(f'id="part-{part}"') :]
    return row[: row.index("</tr>")]


@pytest.mark.parametrize("number", range(1, 11))
def test_every_chapter_of_the_runbook_opens(operator: Browser, number: int) -> None:
    assert operator.get(f"/chapters/{number}").status_code == 200


def test_the_command_line_looks_reads_and_says_what_is_down(product_down: Stack) -> None:
    looked = run_hrx(product_down, "check", "--json")
    assert looked.returncode == 1
    found = {part["part"]: part["status"] for part in json.loads(looked.stdout)["parts"]}
    assert {found[name] for name in PRODUCT} == {"down"}
    assert found["ops"] == "ok"
    assert run_hrx(product_down, "status").returncode == 1
    chapter = run_hrx(product_down, "runbook", "show", "5")
    assert chapter.returncode == 0
    assert "hrx procedure show restart-part" in chapter.stdout


def test_a_part_is_brought_back_by_the_procedure_from_the_console(
    operator: Browser, product_down: Stack
) -> None:
    made = operator.post("/procedures/restart-part/plans", part="redis", reason="everything is down")
    plan_path = made.headers["location"]
    plan_hash = re.search(r'name="confirmed_hash" value="([0-9a-f]{64})"', operator.get(plan_path).text)
    assert plan_hash is not None, "a part that is down has nothing to lose: the runner's own word is enough"
    with stopped_again(product_down, "redis"):
        started = operator.post(f"{plan_path}/run", confirmed_hash=plan_hash.group(1))
        run_path = started.headers["location"].split("?")[0]
        page = wait_for(operator, f"/fragments{run_path}", "Succeeded", timeout_s=90)
        assert "Confirmed from outside" in page
        assert pids(product_down)["redis"] is not None


def test_a_part_is_brought_back_by_the_procedure_from_the_command_line(product_down: Stack) -> None:
    planned = run_hrx(
        product_down, "procedure", "plan", "restart-part", "-p", "part=postgres", "--dry-run", "--json"
    )
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["facts"] == {"part.runs": "no"}
    assert pids(product_down)["postgres"] is None, "a dry run started something"
    order = ("procedure", "run", "restart-part", "-p", "part=postgres", "--reason", "all down")
    with stopped_again(product_down, "postgres"):
        done = run_hrx(product_down, *order, "--yes", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        told = json.loads(done.stdout)
        assert told["state"] == "succeeded"
        assert [step["state"] for step in told["steps"]] == ["done"] * 3
        assert pids(product_down)["postgres"] is not None


def test_the_ledger_verifies_from_console_and_command_line_and_they_agree(
    operator: Browser, product_down: Stack
) -> None:
    assert "Intact" in operator.post("/ledger/verify").text
    head = json.loads(run_hrx(product_down, "ledger", "verify", "--json").stdout)["head_hash"]
    again = run_hrx(product_down, "ledger", "verify", "--expect-head", head, "--json")
    assert again.returncode == 0, again.stdout
    assert json.loads(again.stdout)["is_valid"]
    wrong = run_hrx(product_down, "ledger", "verify", "--expect-head", "0" * 64)
    assert wrong.returncode == 1


def test_a_lost_edge_takes_nothing_from_the_console(operator: Browser, product_down: Stack) -> None:
    supervisor = supervisor_of(product_down)
    try:
        supervisor.stop("haproxy", timeout_s=PART_TIMEOUT_S)
        assert status_of(f"{product_down.portal_url}/livez") == 0
        assert operator.get("/ledger").status_code == 200
    finally:
        supervisor.start("haproxy", timeout_s=PART_TIMEOUT_S)
