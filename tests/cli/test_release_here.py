"""This machine among the targets: listed with what is live, and gone back on by the planner's word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from hrx.cli import release
from hrx.kit.errors import HrxError
from hrx.ops.targets.machine.haproxy import keep_live
from tests.ops.release.shop import R2, R4, fill_store

pytestmark = pytest.mark.req("R3.2-1")


@pytest.fixture
def var(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine that is down; the edge's next start gives all requests to the green slot."""
    made = tmp_path / "var"
    edge = made / "run" / "edge"
    edge.mkdir(parents=True)
    for service in ("api", "web"):
        keep_live(edge, service, "green")
    monkeypatch.setenv("HRX_VAR_DIR", str(made))
    monkeypatch.setenv("HRX_LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    monkeypatch.setenv("HRX_LANGUAGE", "en")
    return made


def call(*arguments: str) -> tuple[int, str, HrxError | None]:
    app = typer.Typer()
    release.register(app)
    done = CliRunner().invoke(app, ["release", *arguments])
    return done.exit_code, done.stdout, done.exception if isinstance(done.exception, HrxError) else None


def test_this_machine_says_what_is_live_when_it_is_asked(var: Path) -> None:
    fill_store(var / "releases", live=R2)
    _, said, _ = call("targets", "--ask", "--json")
    here = next(one for one in json.loads(said)["items"] if one["name"] == "machine")
    assert here["live"] == {"id": "r2", "version": "1.2.0"}
    _, said, _ = call("targets", "--json")
    here = next(one for one in json.loads(said)["items"] if one["name"] == "machine")
    assert (here["live"], here["was_asked"]) == (None, False)


def test_its_deployments_are_the_releases_that_its_slots_ever_held(var: Path) -> None:
    fill_store(var / "releases", live=R4)
    code, said, _ = call("deployments", "machine", "--json")
    assert code == 0
    found = [(one["id"], one["state"], one["is_live"]) for one in json.loads(said)["items"]]
    assert found == [
        ("r4", "ready", True),
        ("r3", "stopped", False),
        ("r2", "removed", False),
        ("r1", "removed", False),
    ]


def test_it_does_not_go_back_by_requests_alone_where_the_tables_have_moved_on(var: Path) -> None:
    """r4 dropped a column that r1 reads; nothing was built, so r1 could not even be started."""
    fill_store(var / "releases", live=R4)
    _, _, error = call("bring-back", "machine", "r1", "--yes")
    assert error is not None
    assert error.stable_code == "target.cannot_go_back"
    _, said, _ = call("bring-back", "machine", "r3", "--dry-run")
    assert "r3 takes over from 1.4.0" in said


def test_nothing_is_shipped_to_it_past_the_checks(var: Path) -> None:
    _, _, error = call(
        "ship", "machine", "--release-version", "1", "--key", "one", "--image", "hrx:1", "--yes"
    )
    assert error is not None
    assert error.stable_code == "target.deployed_otherwise"
    assert error.hint is not None
    assert "hrx release deploy" in error.hint.en
