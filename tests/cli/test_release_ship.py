"""`hrx release ship | deployments | bring-back`, to a vendor that listens on a socket."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from hrx.cli import release
from hrx.kit.errors import HrxError
from hrx.ops import lock as locks
from hrx.ops.ledger.entries import Ledger, open_ledger
from hrx.ops.release.environments.readiness import SettingsNotReady
from tests.servers.railway import ENVIRONMENT, PROJECT, SERVICE, RailwayServer, running_railway

pytestmark = pytest.mark.req("R3.2-1")
SECRET = secrets.token_hex(20)


@pytest.fixture
def railway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RailwayServer]:
    """Railway is configured; production's settings are in a file."""
    kept = tmp_path / "production.env"
    kept.write_text(
        f"HRX_DATABASE_URL=postgresql://hrx_app:{SECRET}@db.example/hrx\n"
        f"HRX_SESSION_KEYS={SECRET}{SECRET}\nHRX_SEAL_KEYS={SECRET}{SECRET}\nHRX_LOG_LEVEL=WARNING\n"
    )
    kept.chmod(0o600)
    with running_railway() as server:
        for name, value in {
            "HRX_RAILWAY_TOKEN": server.token,
            "HRX_RAILWAY_PROJECT": PROJECT,
            "HRX_RAILWAY_ENVIRONMENT": ENVIRONMENT,
            "HRX_RAILWAY_SERVICE": SERVICE,
            "HRX_RAILWAY_URL": server.url,
            "HRX_TARGET_POLL_S": "0.01",
            "HRX_SETTINGS_PRODUCTION": f"env-file:{kept}",
            "HRX_VAR_DIR": str(tmp_path / "var"),
            "HRX_LEDGER_URL": f"sqlite:///{tmp_path / 'ledger.sqlite3'}",
            "HRX_LANGUAGE": "en",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


def call(*arguments: str) -> tuple[int, str, BaseException | None]:
    app = typer.Typer()
    release.register(app)
    done = CliRunner().invoke(app, ["release", *arguments])
    return done.exit_code, done.stdout, done.exception


def ship(version: str, *more: str) -> tuple[int, str, BaseException | None]:
    key = f"v{version.replace('.', '-')}"
    image = ("--image", f"images.example/hrx:{version}")
    return call("ship", "railway", "--release-version", version, "--key", key, *image, *more)


def test_a_dry_run_names_the_settings_without_values_and_asks_nothing_of_the_vendor(
    railway: RailwayServer,
) -> None:
    code, said, _ = ship("1.0.0", "--dry-run")
    assert code == 0
    assert "HRX_SEAL_KEYS" in said
    assert SECRET not in said
    assert railway.calls.total() == 0


def test_releases_are_shipped_listed_and_brought_back(railway: RailwayServer, tmp_path: Path) -> None:
    code, said, _ = ship("1.0.0", "--yes")
    assert code == 0
    assert "railway: 1.0.0 is live" in said
    assert railway.variables["HRX_LOG_LEVEL"] == "WARNING"
    assert railway.variables["PORT"] == "8101"
    code, said, _ = ship("1.1.0", "--yes", "--json")
    former = json.loads(said)["former"]["id"]
    code, said, _ = call("deployments", "railway", "--json")
    assert [(one["version"], one["is_live"]) for one in json.loads(said)["items"]] == [
        ("1.1.0", True),
        ("1.0.0", False),
    ]
    railway.deployments[0]["canRollback"] = True
    code, said, _ = call("bring-back", "railway", former, "--yes", "--json")
    assert code == 0
    assert json.loads(said)["live"]["version"] == "1.0.0"
    ledger = (tmp_path / "ledger.sqlite3").read_bytes()
    assert b"bring-back" in ledger
    assert SECRET.encode() not in ledger
    assert railway.token.encode() not in ledger


def test_while_one_ships_another_is_told_who_and_a_holder_that_died_stops_nobody(
    railway: RailwayServer, tmp_path: Path
) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    with locks.holding(ledger, "target:railway", owner="sato", reason="ship 0.9.0", valid_s=60):
        for error in (ship("1.0.0", "--yes")[2], call("bring-back", "railway", "d1", "--yes")[2]):
            assert isinstance(error, locks.LockHeld)
            assert "sato" in error.message.en
    assert railway.made == 0
    held_by_a_child_that_dies(ledger)
    assert locks.list_held(ledger)[0].reason == "ship 0.9.1"
    code, _, _ = ship("1.0.0", "--yes")
    assert code == 0
    assert locks.list_held(ledger) == []


def held_by_a_child_that_dies(ledger: Ledger) -> None:
    child = os.fork()
    if not child:
        with suppress(BaseException):
            locks.acquire(ledger, "target:railway", owner="mori", reason="ship 0.9.1", valid_s=3600)
        os._exit(0)
    os.waitpid(child, 0)


def test_missing_settings_are_named_before_anything_is_sent(
    railway: RailwayServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.env"
    empty.write_text("HRX_LOG_LEVEL=INFO\n")
    empty.chmod(0o600)
    monkeypatch.setenv("HRX_SETTINGS_PRODUCTION", f"env-file:{empty}")
    _, _, error = ship("1.0.0", "--yes")
    assert isinstance(error, HrxError)
    assert error.stable_code == "release.settings_missing"
    assert "HRX_DATABASE_URL" in error.message.en
    assert railway.calls.total() == 0


def test_without_a_build_or_with_two_it_is_wrong_use(railway: RailwayServer) -> None:
    _, _, error = call("ship", "railway", "--release-version", "1", "--key", "v1", "--yes")
    assert isinstance(error, HrxError)
    assert error.stable_code == "release.one_build"
    assert railway.calls.total() == 0


def test_nothing_is_shipped_to_an_environment_that_shares_a_secret_unless_a_reason_is_given(
    railway: RailwayServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = tmp_path / "staging.env"
    staging.touch(mode=0o600)
    staging.write_text(f"HRX_SESSION_KEYS={SECRET}{SECRET}\n")
    monkeypatch.setenv("HRX_SETTINGS_STAGING", f"env-file:{staging}")
    code, said, error = ship("1.0.0", "--yes")
    assert isinstance(error, SettingsNotReady)
    assert "HRX_SESSION_KEYS" in error.message.en
    assert "HRX_API_URL" not in error.message.en, "the portal's settings are another service's affair"
    assert "hrx settings rotate HRX_SE" in (error.hint.en if error.hint else "")
    assert SECRET not in f"{error.message}{error.hint}{said}"
    assert railway.calls.total() == 0
    code, said, _ = ship("1.0.0", "--yes", "--despite-settings", "the old key leaks no more than it did")
    assert (code, "railway: 1.0.0 is live" in said) == (0, True)
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    try:
        noted = [entry.body for entry in ledger.list_entries(limit=50)]
    finally:
        ledger.store.close()
    reasons = [body["reason"] for body in noted if body.get("act") == "despite-settings"]
    assert reasons == ["the old key leaks no more than it did"]
