"""`hrx release history` and `hrx release plan --rollback`, as somebody types them (R3.7-1)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hrx.cli.__main__ import main
from hrx.kit import clock
from hrx.ops.release.proofs import ProofShelf, WayDownProof
from hrx.ops.release.releases import CheckResult, Outcome, Slot
from hrx.ops.release.results import ResultShelf
from hrx.ops.release.strategies.progress import Progress
from hrx.ops.release.strategies.rollout import Rollout, Strategy
from hrx.ops.release.strategies.storing import RolloutStore, rollout_folder
from tests.ops.release.shop import R3, R4, fill_store

pytestmark = pytest.mark.req("R3.7-1")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HRX_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("HRX_ENVIRONMENT", "development")
    monkeypatch.setenv("HRX_LANGUAGE", "en")
    monkeypatch.delenv("HRX_OPS_DATABASE_URL", raising=False)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["release", *arguments])
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


def test_history_says_what_is_live_and_what_is_warm(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = run(capsys, "history")
    assert code == 0
    assert "Nothing was placed" in out
    fill_store(tmp_path / "releases", live=R3)
    code, out, _ = run(capsys, "history", "--json")
    found = json.loads(out)
    assert (code, found["live"]) == (0, "r3")
    assert [one["release"] for one in found["items"] if one["is_live"]] == ["r3"]
    assert [one["id"] for one in found["releases"]] == ["r1", "r2", "r3"]
    assert "live" in run(capsys, "history")[1]


def test_history_says_what_checks_found_after_the_build_and_calls_nothing_passed_that_was_not_checked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store = fill_store(tmp_path / "releases", live=R3)
    shelf = ResultShelf(store.folder)
    shelf.keep("r3", CheckResult(name="tests", outcome=Outcome.PASSED), run="p1")
    unchecked = CheckResult(name="audit", outcome=Outcome.NOT_CHECKED, detail="offline")
    shelf.keep("r3", unchecked, run="p1")
    shelf.keep("r2", unchecked, run="p1")
    said = run(capsys, "history")[1]
    lines = {
        name: next(line for line in said.splitlines() if f" {name} " in line) for name in ("r1", "r2", "r3")
    }
    assert "1 not checked, 1 passed" in lines["r3"]
    assert "1 not checked" in lines["r2"]
    assert "no check recorded, so not checked" in lines["r1"]
    assert "passed" not in lines["r1"] + lines["r2"]
    kept = {one["id"]: one["checks"] for one in json.loads(run(capsys, "history", "--json")[1])["releases"]}
    assert kept["r1"] == []
    assert kept["r3"] == [
        {"name": "audit", "outcome": "not_checked", "detail": "offline"},
        {"name": "tests", "outcome": "passed", "detail": ""},
    ]


def test_status_shows_the_checks_of_the_release_that_takes_over(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HRX_LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    store = fill_store(tmp_path / "releases", live=R3)
    unchecked = CheckResult(name="audit", outcome=Outcome.NOT_CHECKED, detail="offline")
    ResultShelf(store.folder).keep("r3", unchecked, run="p1")
    rollout = Rollout(id="to-r3", release_id="r3", strategy=Strategy.CANARY, new=Slot.BLUE)
    now = clock.now()
    RolloutStore(rollout_folder(tmp_path)).save(Progress(rollout=rollout, began_at=now, step_at=now))
    code, said, _ = run(capsys, "status")
    assert code == 0
    assert "Checks of the release: 1 not checked" in said
    assert "− audit: not checked — offline" in said
    found = json.loads(run(capsys, "status", "--json")[1])["release_checks"]
    assert [one["outcome"] for one in found] == ["not_checked"]


def test_the_plan_goes_to_the_release_before_and_can_be_read_by_a_script(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fill_store(tmp_path / "releases", live=R3)
    code, out, _ = run(capsys, "plan", "--rollback", "--json")
    found = json.loads(out)
    assert (code, found["to"], len(found["plan_hash"])) == (0, "r2", 64)
    assert [one["kind"] for one in found["steps"]][:2] == ["switch_web", "switch_api"]
    code, said, _ = run(
        capsys, "plan", "--rollback", "--queued", "greet=3", "--rows", "app.person.nickname=7"
    )
    assert code == 0
    assert "greet 3" in said
    assert "app.person.nickname (7)" in said


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_refusal_says_why_and_what_to_type_instead(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("HRX_LANGUAGE", language)
    fill_store(tmp_path / "releases", live=R4)
    code, out, err = run(capsys, "plan", "--rollback", "--to", "r1")
    assert code == 4
    assert "hrx release plan --rollback --to r2" in err
    assert "app.person.kana" in out
    code, out, _ = run(capsys, "plan", "--rollback", "--to", "r1", "--json")
    found = json.loads(out)
    assert (code, found["error"]["code"]) == (4, "release.rollback_refused")
    assert found["reasons"]
    assert found["alternatives"][0]["command"]


def test_a_way_down_that_was_proven_still_needs_a_backup(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Migrations are this checkout's own; here nobody has restored a backup."""
    fill_store(tmp_path / "releases", live=R4)
    ProofShelf(tmp_path / "releases").keep_way_down(WayDownProof(revision="0010"))
    code, out, _ = run(capsys, "plan", "--rollback", "--to", "r1", "--lose", "app.person.kana")
    assert code == 4
    assert "no fresh verified backup" in out
    assert "the downgrade of migration 0010 was never tried" not in out


def test_wrong_use_says_what_is_right(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "plan")
    assert (code, "--rollback" in err) == (2, True)
    code, _, err = run(capsys, "plan", "--rollback")
    assert (code, "hrx release history" in err) == (1, True)
    fill_store(tmp_path / "releases", live=R3)
    code, _, err = run(capsys, "plan", "--rollback", "--rows", "nickname")
    assert (code, "app.person.nickname=0" in err) == (2, True)
    code, _, err = run(capsys, "plan", "--rollback", "--to", "../r1")
    assert (code, "There is no release" in err) == (1, True)
