"""`hrx release pipeline …`, as somebody types it (R3.1-1)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from hrx.cli.__main__ import main
from hrx.ops.ledger.entries import open_ledger
from hrx.ops.operators.roles import Role
from hrx.ops.release.gathering import ask_git
from tests.conftest import ROOT
from tests.ops.conftest import PASSWORD, make_operator
from tests.ops.release.pipeline.workshop import Workshop

pytestmark = pytest.mark.req("R3.1-1")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, shop: Workshop, tmp_path: Path) -> None:
    runbook = tmp_path / "book"
    runbook.mkdir()
    for path in (ROOT / "runbook").iterdir():
        if path.name not in ("pipeline.yaml", "calendar.yaml"):
            (runbook / path.name).symlink_to(path)
    (runbook / "calendar.yaml").write_text("holds: []\n")
    write_pipeline(runbook, shop)
    monkeypatch.setenv("HRX_VAR_DIR", str(shop.home))
    monkeypatch.setenv("HRX_RUNBOOK_DIR", str(runbook))
    monkeypatch.setenv("HRX_LEDGER_URL", shop.ledger_url)
    monkeypatch.setenv("HRX_ENVIRONMENT", "development")
    monkeypatch.setenv("HRX_LANGUAGE", "en")
    monkeypatch.setenv("HRX_OPERATOR_PASSWORD", PASSWORD)
    monkeypatch.delenv("HRX_OPS_DATABASE_URL", raising=False)


def write_pipeline(runbook: Path, shop: Workshop) -> None:
    said = {"ja": "段階", "en": "a stage"}
    stages: list[dict[str, object]] = []
    for stage in shop.whole().stages:
        values: dict[str, object] = {"id": stage.id, "title": said, "why": said, "needs": list(stage.needs)}
        values |= {"where": stage.where.value}
        if stage.is_approval:
            values |= {"approval": "other"}
        else:
            values |= {"command": list(stage.command), "timeout_s": 100, "result": stage.reads.value}
        if stage.changes is not None:
            values |= {"changes": said, "resume": said, "on_death": "again"}
        stages.append(values)
    (runbook / "pipeline.yaml").write_text(yaml.safe_dump({"stages": stages}, allow_unicode=True))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["release", "pipeline", *arguments])
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


def test_before_there_is_one_it_says_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "status")
    assert (code, "hrx release pipeline run" in err) == (1, True)
    code, out, _ = run(capsys, "list", "--json")
    assert (code, json.loads(out)) == (0, {"items": []})


def test_a_dry_run_shows_the_stages_and_begins_nothing(
    capsys: pytest.CaptureFixture[str], shop: Workshop
) -> None:
    code, out, _ = run(capsys, "run", "--to", "staging", "--dry-run")
    assert code == 0
    assert "staging" in out
    assert "production" not in out
    assert shop.store.list_all() == []


def test_to_staging_and_what_is_seen_of_it(capsys: pytest.CaptureFixture[str], shop: Workshop) -> None:
    shop.mood("audit", outcome="not_checked", detail="offline")
    code, out, err = run(capsys, "run", "--release", "r2", "--to", "staging", "--yes")
    assert code == 0, err
    assert "– audit          Not checked" in out
    assert "✓ tests          Passed" in out
    assert out.rstrip().endswith("Done, not all of it checked")
    assert "▸ tests" in err, "a line for each change"
    code, out, _ = run(capsys, "status", "p1", "--json")
    found = json.loads(out)
    assert (code, found["stand"], found["release"]) == (0, "unchecked", "r2")
    assert {one["stage"]: one["stand"] for one in found["stages"]}["audit"] == "not_checked"
    assert "unchecked" not in run(capsys, "list")[1]
    assert "not all of it checked" in run(capsys, "list")[1]


def test_a_failure_says_where_to_look_and_how_to_go_on(
    capsys: pytest.CaptureFixture[str], shop: Workshop
) -> None:
    shop.mood("tests", exit=1, outcome="failed", detail="two failed", stderr="AssertionError: 1 == 2")
    code, out, _ = run(capsys, "run", "--release", "r2", "--to", "staging", "--yes")
    assert code == 1
    assert "tests │ AssertionError: 1 == 2" in out
    assert "hrx release pipeline resume p1" in out
    shop.mood("tests")
    assert run(capsys, "resume", "p1", "--yes", "--json")[0] == 0
    assert shop.begun().count("audit") == 1


def test_from_a_person_to_a_person_to_production(capsys: pytest.CaptureFixture[str], shop: Workshop) -> None:
    # Authors are read from the checkout's own history.
    shop.commit = ask_git(ROOT, "rev-parse", "HEAD")
    shop.releases.add(replace(shop.releases.get("r2"), id="r5", commit=shop.commit))
    ledger = open_ledger(shop.ledger_url)
    make_operator(ledger, "suzuki", role=Role.APPROVER)
    ledger.store.close()
    code, out, _ = run(capsys, "run", "--release", "r5", "--yes")
    assert (code, "approve p1 --operator NAME" in out) == (4, True)
    code, out, _ = run(capsys, "plan", "p1", "--json")
    found = json.loads(out)
    assert found["facts"]["release.checks"] == "tests=passed, audit=passed, staging=passed"
    code, _, err = run(capsys, "approve", "p1", "--yes")
    assert (code, "neither wrote nor began" in err) == (4, True)
    code, _, _ = run(capsys, "approve", "p1", "--plan", "0" * 64, "--operator", "suzuki", "--yes")
    assert code == 1, "another plan than the one that was read"
    code, _, err = run(
        capsys, "approve", "p1", "--plan", found["plan_hash"], "--operator", "suzuki", "--yes", "--json"
    )
    assert code == 0, err
    code, out, _ = run(capsys, "resume", "p1", "--yes")
    assert code == 4
    assert "Held" in out
    assert "not known: an import is running" in out
    code, _, err = run(capsys, "resume", "p1", "--despite-calendar", "a hole", "--yes")
    assert (code, "an approver who signs in" in err) == (4, True)
    code, out, err = run(
        capsys, "resume", "p1", "--despite-calendar", "a hole", "--operator", "suzuki", "--yes"
    )
    assert code == 0, err
    assert "All passed" in out


def test_a_second_one_is_refused_until_the_first_is_stopped(
    capsys: pytest.CaptureFixture[str], shop: Workshop
) -> None:
    assert run(capsys, "run", "--release", "r2", "--begin", "--yes", "--json")[0] == 0
    code, _, err = run(capsys, "run", "--release", "r2", "--yes")
    assert (code, "hrx release pipeline stop p1" in err) == (1, True)
    code, out, _ = run(capsys, "stop", "--yes", "--json")
    assert (code, json.loads(out)) == (0, {"pipeline": "p1", "stand": "stopped"})
    assert shop.begun() == []


def test_what_does_not_exist_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "status", "../p1")[0] == 1
    assert run(capsys, "run", "--release", "r9", "--yes")[0] == 1
    code, _, err = run(capsys, "run", "--commit", "0123456789", "--yes")
    assert code != 0
    assert err
