"""The page of a pipeline: stages, what waits and why, and another operator's word (R3.1-1)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hrx.ops.ledger.entries import open_ledger
from hrx.ops.operators.roles import Role
from hrx.ops.release.gathering import ask_git
from hrx.ops.release.pipeline.engine import Runner
from hrx.ops.release.pipeline.stages import Run, RunStand
from hrx.ops.run.pipelines import find_gate, open_bench
from hrx.ops.run.plane import Plane
from tests.conftest import ROOT
from tests.ops.browsing import Browser, serving
from tests.ops.conftest import make_operator
from tests.ops.console.test_every_page import faults_of, read
from tests.ops.release.pipeline.workshop import Workshop

pytestmark = pytest.mark.req("R3.1-1")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(home=tmp_path)
    # The authors are read from the history of the checkout whose console it is.
    made.commit = ask_git(ROOT, "rev-parse", "HEAD")
    made.add_release()
    yield made
    made.end_all()


@pytest.fixture
def released(plane: Plane, shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Plane:
    monkeypatch.setenv("HRX_VAR_DIR", str(shop.home))
    (shop.home / "run" / "edge").mkdir(parents=True)
    settings = plane.settings.model_copy(update={"var_dir": shop.home, "ops_database_url": None})
    return replace(plane, settings=settings, ledger=open_ledger(shop.ledger_url))


@pytest.fixture
def asking(released: Plane, shop: Workshop) -> Run:
    """A run that has come to its approval; one check could not be made."""
    shop.mood("audit", outcome="not_checked", detail="offline <b>", stderr="token=hunter2hunter2")
    definition = shop.whole()
    shop.mood("build", stdout=json.dumps({"release": "r2"}))
    run = shop.begin(definition)
    assert Runner(open_bench(released), run.id, actor="machine:sato").drive() is RunStand.WAITING
    return run


@pytest.fixture
def page(released: Plane) -> Iterator[Browser]:
    for name, role in (("viewer", Role.VIEWER), ("sato", Role.APPROVER), ("suzuki", Role.APPROVER)):
        make_operator(released.ledger, name, role=role)
    with serving(released) as address:
        browser = Browser(address)
        yield browser
        browser.close()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_page_shows_stages_and_never_calls_passed_what_was_not_checked(
    page: Browser, asking: Run, language: str
) -> None:
    page.get(f"/language/{language}")
    page.sign_in("viewer")
    shown = page.get(f"/releases/pipelines/{asking.id}").text
    assert faults_of(read(shown)) == []
    audit = shown.partition('id="stage-audit"')[2].partition("</tr>")[0]
    assert {"ja": "未確認", "en": "Not checked"}[language] in audit
    assert "s-ok" not in audit
    assert "offline &lt;b&gt;" in audit
    assert "hunter2" not in shown
    assert {"ja": "検査の結果", "en": "Words of the checks"}[language] in shown
    assert {"ja": "audit: 未確認", "en": "audit: not checked"}[language] in shown
    assert "/approve" not in shown, "a viewer may look"
    listed = page.get("/releases").text
    assert f'href="/releases/pipelines/{asking.id}"' in listed
    assert faults_of(read(listed)) == []


def test_the_page_goes_with_its_run_and_is_loaded_anew_when_it_asks_for_something_else(
    page: Browser, asking: Run, shop: Workshop
) -> None:
    page.sign_in("viewer")
    address = f"/releases/pipelines/{asking.id}"
    live = f"/fragments{address}"
    assert (
        f'hx-get="{live}?seen=asks-open" hx-trigger="every 2s" hx-swap="innerMorph"' in page.get(address).text
    )
    same = page.get(f"{live}?seen=asks-open")
    assert "hx-refresh" not in same.headers
    assert 'id="stage-audit"' in same.text
    assert 'id="stand" class="pill s-degraded" hx-swap-oob="true">Waits for a person' in same.text
    assert 'id="log-audit"' in same.text, "what it said stays where the reader left it"
    assert "<form" not in same.text, "nothing that is filled in is drawn over"
    assert page.get(f"{live}?seen=works-open").headers["hx-refresh"] == "true"
    planned = len(shop.told(asking))
    page.get(live)
    assert len(shop.told(asking)) == planned, "looking puts nothing on record"
    assert page.get("/fragments/releases/pipelines/p99").status_code == 404


def test_another_operator_approves_and_its_author_cannot(page: Browser, asking: Run, released: Plane) -> None:
    address = f"/releases/pipelines/{asking.id}"
    page.sign_in("sato")
    shown = page.get(address).text
    assert "/approve" not in shown
    plan_hash = _hash(released, asking)
    refused = page.post(f"{address}/approve", plan_hash=plan_hash)
    assert refused.status_code == 409
    assert "neither wrote nor began" in refused.text
    page.sign_in("suzuki")
    assert f'action="{address}/approve"' in page.get(address).text
    assert page.post(f"{address}/approve", plan_hash="0" * 64).status_code == 409
    assert page.client.post(f"{address}/approve", data={"plan_hash": plan_hash}).status_code == 403
    assert page.post(f"{address}/approve", plan_hash=plan_hash).status_code == 303
    # The word counts; what nobody can know here still holds production.
    assert Runner(open_bench(released), asking.id, actor="machine:sato").drive() is RunStand.WAITING
    shown = page.get(address).text
    assert "approved by suzuki" in shown
    assert "not known: an import is running" in shown


def test_a_pipeline_that_is_not_there_is_said(page: Browser) -> None:
    page.sign_in("viewer")
    assert page.get("/releases/pipelines/p99").status_code == 404


def _hash(plane: Plane, run: Run) -> str:
    gate = find_gate(plane)
    return gate.prepare(gate.runs.get(run.id), gate.runs.records(run)).record.plan.plan_hash
