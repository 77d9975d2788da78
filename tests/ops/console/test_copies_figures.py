"""The copy elsewhere and the key, as Prometheus is told of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from hrx.kit import clock
from hrx.ops.console.copies_figures import CopiesFigures
from hrx.ops.console.desk import Desk
from hrx.ops.ledger.entries import Ledger, open_ledger
from hrx.ops.recovery.elsewhere_state import ElsewhereState, write_state
from hrx.ops.recovery.key_care import add_key, check_key_file, note_check
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.vault import Vault
from hrx.ops.settings import OpsSettings

pytestmark = pytest.mark.req("R6.1-1", "R4.1-1")


@dataclass(frozen=True)
class _Plane:
    settings: OpsSettings
    ledger: Ledger


@dataclass(frozen=True)
class _Desk:
    plane: _Plane


def make_figures(var: Path, *, offsite_url: str | None) -> CopiesFigures:
    settings = OpsSettings(var_dir=var, offsite_url=offsite_url)
    return CopiesFigures(cast("Desk", _Desk(_Plane(settings, open_ledger(settings.ledger_location)))))


def read(figures: CopiesFigures) -> dict[str, list[float]]:
    found = {metric.name: [sample.value for sample in metric.samples] for metric in figures.collect()}
    return {name.removeprefix("hrx_backup_"): values for name, values in found.items()}


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HRX_VAR_DIR", str(tmp_path / "var"))
    return tmp_path / "var"


def test_a_copy_that_never_was_is_as_old_as_can_be_and_none_is_silent(var: Path) -> None:
    name = "elsewhere_covered_timestamp_seconds"
    assert read(make_figures(var, offsite_url=None))[name] == []
    figures = make_figures(var, offsite_url="file:/elsewhere")
    assert read(figures)[name] == [0.0]
    at = datetime(2026, 11, 26, tzinfo=UTC)
    write_state(var / "recovery" / "elsewhere.json", ElsewhereState(where="there", covered_at=at))
    assert read(figures)[name] == [at.timestamp()]
    (var / "recovery" / "elsewhere.json").write_text("not json")
    assert read(figures)[name] == [0.0]


def test_a_key_is_proven_renewed_and_lost(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key_file = var / "backup.key"
    vault = Vault(folder=Folder(var / "backups"), keyring=create_key(key_file))
    vault.put_bytes("ledger/x", b"x")
    figures = make_figures(var, offsite_url=None)
    minutes = iter(range(0, 6000, 61))
    monkeypatch.setattr(clock, "monotonic_s", lambda: float(next(minutes)))
    ledger = open_ledger(OpsSettings(var_dir=var).ledger_location)

    made = read(figures)
    assert made["key_proven_timestamp_seconds"] == pytest.approx([key_file.stat().st_mtime])
    assert made["keys_missing"] == [0]

    entry = note_check(ledger, check_key_file(vault.folder, key_file), actor="test")
    assert read(figures)["key_proven_timestamp_seconds"] == [entry.at.timestamp()]

    add_key(key_file)
    assert read(figures)["key_proven_timestamp_seconds"] == pytest.approx([key_file.stat().st_mtime])

    key_file.unlink()
    lost = read(figures)
    assert (lost["key_proven_timestamp_seconds"], lost["keys_missing"]) == ([], [1])
