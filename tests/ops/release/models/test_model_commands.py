"""`hrx release models …` as somebody types it (R3.4-1)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hrx.cli.__main__ import main
from tests.ops.release.models.making import GOOD, make_draft, make_runbook, write_draft

pytestmark = pytest.mark.req("R3.4-1")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HRX_VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("HRX_LANGUAGE", "en")
    monkeypatch.delenv("HRX_OPS_DATABASE_URL", raising=False)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The project's runbook with the rules of model `small` in place of its own."""
    from tests.conftest import ROOT

    content = tmp_path / "runbook"
    content.mkdir()
    for path in (ROOT / "runbook").iterdir():
        (content / path.name).symlink_to(path)
    (content / "models.yaml").unlink()
    make_runbook(content)
    monkeypatch.setenv("HRX_RUNBOOK_DIR", str(content))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["release", "models", *arguments])
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


@pytest.mark.usefixtures("known")
def test_a_model_is_registered_goes_live_is_followed_and_comes_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "No model" in run(capsys, "list")[1]
    versions = []
    for weight in (1.0, 2.0):
        folder = write_draft(tmp_path / f"d{weight}", make_draft(weight))
        code, out, _ = run(capsys, "register", str(folder), "--json")
        versions.append(json.loads(out)["version"])
        assert code == 0
        code, out, _ = run(capsys, "move", versions[-1], "--yes", "--reason", "try it", "--json")
        assert (code, json.loads(out)["versions"]["live"]) == (0, versions[-1])
    first, second = versions
    code, out, _ = run(capsys, "back", "small", "--yes", "--json")
    assert (code, json.loads(out)["versions"]) == (0, {"live": first, "previous": second})
    code, out, _ = run(capsys, "list", "small", "--json")
    told = json.loads(out)
    assert {one["version"]: one["aliases"] for one in told["items"]} == {
        first: ["live"],
        second: ["previous"],
    }
    assert [one["reason"] for one in told["moves"]] == ["try it", "try it", ""]
    code, out, _ = run(capsys, "verify")
    assert (code, out.count("✓ small-")) == (0, 2)
    assert "live" in run(capsys, "list", "small")[1]


@pytest.mark.usefixtures("known")
def test_a_refusal_is_exit_code_4_and_a_dry_run_moves_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = write_draft(tmp_path / "bad", make_draft(metrics={**GOOD, "f1": 0.5}))
    version = json.loads(run(capsys, "register", str(folder), "--json")[1])["version"]
    code, out, _ = run(capsys, "move", version, "--dry-run")
    assert (code, "✗ f1: 0.5 >= 0.9" in out) == (0, True)
    code, _, err = run(capsys, "move", version, "--yes")
    assert (code, "f1: 0.5 >= 0.9" in err) == (4, True)
    assert run(capsys, "verify")[0] == 1
    assert json.loads(run(capsys, "list", "small", "--json")[1])["items"][0]["aliases"] == []
    assert run(capsys, "back", "small", "--yes")[0] != 0


def test_a_folder_without_a_draft_says_what_is_missing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    code, _, err = run(capsys, "register", str(tmp_path / "empty"))
    assert code == 2
    assert "hrx.app.models.training" in err
