"""`hrx release switch | status | promote | rollback` over a real edge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from hrx.cli import release
from hrx.ops.ledger.entries import Kind, open_ledger
from hrx.ops.release.strategies.progress import Stand
from hrx.ops.release.strategies.running import begin, run
from tests.ops.release.strategies.conftest import folder, place, tools
from tests.ops.release.strategies.place import Place
from tests.ops.release.strategies.test_rollouts import make_rollout

__all__ = ["folder", "place", "tools"]
pytestmark = pytest.mark.req("R3.1-2")


@pytest.fixture(autouse=True)
def _here(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HRX_VAR_DIR", str(place.var))
    monkeypatch.setenv("HRX_LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    monkeypatch.setenv("HRX_LANGUAGE", "en")


def call(*arguments: str) -> tuple[int, str, str]:
    app = typer.Typer()
    release.register(app)
    done = CliRunner().invoke(app, ["release", *arguments])
    return done.exit_code, done.stdout, str(done.exception)


def test_before_anything_is_switched_the_plan_is_shown_and_nothing_done(place: Place) -> None:
    code, said, _ = call("switch", "r42", "--shares", "5,20", "--dry-run")
    assert code == 0
    assert "r42 → green: canary" in said
    assert "compare under 5 % of the requests of api" in said
    assert place.store.find() is None
    code, said, _ = call("switch", "r42", "--strategy", "blue_green", "--dry-run", "--json")
    assert [step["kind"] for step in json.loads(said)["steps"]] == ["wake", "switch", "watch", "drain"]


def test_a_version_that_cannot_be_started_changes_nothing_and_is_told(place: Place) -> None:
    """No supervisor runs here, so nothing can be started."""
    code, said, _ = call("switch", "r42", "--yes")
    assert code == 1
    assert "the new version could not be started" in said
    assert place.store.get().stand is Stand.ROLLED_BACK
    assert set(place.shares("/api/v1/me", requests=10)) == {"api-blue"}


def test_status_and_the_way_back_after_a_rollout(place: Place, tmp_path: Path) -> None:
    assert "There has been no rollout yet" in call("status")[2]
    place.be_known()
    begin(place.store, place.slots, make_rollout(services=("api",)))
    with place.visited(per_s=150):
        assert run(place.store, place.slots).stand is Stand.PROMOTED
    code, said, _ = call("status")
    assert code == 0
    assert "Release r42 takes all requests." in said
    assert json.loads(call("status", "--json")[1])["stand"] == "promoted"
    assert "takes all requests" in call("promote", "--yes")[2], "it does not ask"
    code, said, _ = call("rollback", "--dry-run")
    assert (code, said.strip()) == (0, "All requests of api go back to blue.")
    code, said, _ = call("rollback", "--yes")
    assert code == 0, said
    assert "was rolled back: as somebody asked" in said
    assert set(place.shares("/api/v1/me", requests=10)) == {"api-blue"}
    told = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}").find_last(Kind.ROLLOUT)
    assert told is not None
    assert told.body["stand"] == "rolled_back"
