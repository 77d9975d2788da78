"""The ring by clicks: plan, approve, run, watch; and the ledger that holds it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from hrx.ops.ledger.entries import Kind
from hrx.ops.operators.roles import Role
from hrx.ops.run.plane import Plane
from tests.ops.browsing import Browser, serving, wait_for
from tests.ops.conftest import make_operator

pytestmark = pytest.mark.req("R5.4-1")


def test_a_part_is_restarted_by_clicks_and_the_run_is_seen_to_its_end(browser: Browser, plane: Plane) -> None:
    browser.sign_in("responder")
    made = browser.post("/procedures/restart-part/plans", part="worker", reason="imports hang")
    assert made.status_code == 303
    plan_path = made.headers["location"]
    page = browser.get(plan_path).text
    plan_hash = re.search(r'name="confirmed_hash" value="([0-9a-f]{64})"', page)
    assert plan_hash is not None
    started = browser.post(f"{plan_path}/run", confirmed_hash=plan_hash.group(1))
    run_path = started.headers["location"].split("?")[0]
    page = wait_for(browser, f"/fragments{run_path}", "Succeeded", timeout_s=40)
    assert "Confirmed from outside" in page
    assert "hx-trigger" not in page, "a page of a finished run still polls"
    record = plane.ledger.find_last(Kind.RUN_FINISHED)
    assert record is not None
    assert record.actor == "responder"
    first = plane.ledger.list_run(record.run_id)[0]
    assert first.correlation_id == started.headers["x-correlation-id"], "the browser's id reaches the ledger"
    assert "Last proven" in browser.get("/chapters/5").text


def test_an_irreversible_plan_waits_for_another_persons_click(browser: Browser, console: str) -> None:
    browser.sign_in("approver")
    made = browser.post("/procedures/restart-part/plans", part="haproxy", reason="certificates")
    path = made.headers["location"]
    page = browser.get(path).text
    assert "waiting for an approver other than approver" in page
    plan_hash = re.search(r"[0-9a-f]{64}", page)
    assert plan_hash is not None
    own = browser.post(f"{path}/approve", plan_hash=plan_hash.group(0))
    assert own.status_code == 409
    refused = browser.post(f"{path}/run")
    run_path = refused.headers["location"].split("?")[0]
    assert "must approve" in wait_for(browser, f"/fragments{run_path}", "Refused", timeout_s=30)
    other = Browser(console)
    other.sign_in("admin")
    assert other.post(f"{path}/approve", plan_hash=plan_hash.group(0)).status_code == 303
    started = browser.post(f"{path}/run")
    run_path = started.headers["location"].split("?")[0]
    wait_for(browser, f"/fragments{run_path}", "Succeeded", timeout_s=40)
    other.close()


def test_the_ledger_page_says_whether_the_chain_holds(browser: Browser, ledger_url: str) -> None:
    from tests.ops.test_ledger import tamper

    browser.sign_in("viewer")
    assert "Intact" in browser.post("/ledger/verify").text
    export = browser.get("/ledger/export.jsonl")
    assert export.text.count("\n") >= 5
    tamper(ledger_url, "UPDATE entry SET body = '{}' WHERE seq = 2")
    assert "entry 2 was changed" in browser.post("/ledger/verify").text


def test_a_run_whose_process_cannot_even_begin_says_so_instead_of_waiting(
    plane: Plane, tmp_path: Path
) -> None:
    """The runbook is gone: the console has it in memory, the process of the run finds nothing."""
    settings = plane.settings.model_copy(update={"runbook_dir": tmp_path / "gone"})
    make_operator(plane.ledger, "responder", role=Role.RESPONDER)
    with serving(replace(plane, settings=settings)) as address:
        browser = Browser(address)
        browser.sign_in("responder")
        made = browser.post("/procedures/restart-part/plans", part="worker", reason="imports hang")
        started = browser.post(f"{made.headers['location']}/run")
        run_path = started.headers["location"].split("?")[0]
        page = wait_for(browser, f"/fragments{run_path}", "Refused", timeout_s=30)
        browser.close()
    assert "ended before it recorded anything (exit code 1)" in page
    assert "hx-trigger" not in page, "a page of a refused run still polls"
    entry = plane.ledger.find_last(Kind.RUN_REFUSED)
    assert entry is not None
    assert entry.body["code"] == "run.process_ended"


def test_what_a_triage_found_stands_in_the_form_and_what_may_not_be_is_said_beside_it(
    browser: Browser, plane: Plane
) -> None:
    browser.sign_in("responder")
    page = browser.get("/procedures/block-source?source=203.0.113.0%2F24&minutes=15&other=x").text
    assert 'name="source" required maxlength="200" value="203.0.113.0/24"' in page
    assert 'value="15"' in page
    for source, said in (("0.0.0.0/0", "too wide"), ("127.0.0.1", "of our own"), ("nonsense", "address")):
        refused = browser.post("/procedures/block-source/plans", source=source, minutes="15", reason="attack")
        assert refused.status_code in (409, 422), source
        assert said in refused.text
        assert f'value="{source}"' in refused.text, "what was typed is kept"
    made = browser.post(
        "/procedures/block-source/plans", source="203.0.113.7/24", minutes="15", reason="attack"
    )
    assert made.status_code == 303
    plan = browser.get(made.headers["location"]).text
    assert "Block 203.0.113.0/24 at the edge for 15 min" in plan
    form = browser.get("/procedures/reset-database-password?role=hrx_ops").text
    assert '<option value="hrx_ops" selected>' in form
    assert "An approver other than the author" in form
