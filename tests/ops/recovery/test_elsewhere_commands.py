"""A lost machine from the command line: with the key file and the location, what was backed up comes back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hrx.ops.ledger.entries import Kind, open_ledger
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.ledger_copy import copy_ledger
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.settings_copy import copy_settings
from hrx.ops.recovery.vault import Vault
from tests.conftest import ROOT
from tests.servers.s3 import REGION, S3Server, running_s3_server

pytestmark = pytest.mark.req("R6.1-1")


@dataclass(frozen=True, kw_only=True)
class Region:
    """A machine (`var`), its key file, and a bucket elsewhere."""

    var: Path
    key_file: Path
    s3: S3Server
    bucket: str

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.var / 'ops' / 'ledger.sqlite3'}"

    @property
    def vault(self) -> Vault:
        return Vault(folder=Folder(self.var / "backups"), keyring=create_key(self.key_file))

    def run(self, *arguments: str, language: str = "en") -> subprocess.CompletedProcess[str]:
        mine = {
            "HRX_VAR_DIR": str(self.var),
            "HRX_BACKUP_KEY_FILE": str(self.key_file),
            "HRX_OFFSITE_URL": f"s3://{self.bucket}/production",
            "HRX_OFFSITE_ENDPOINT": self.s3.endpoint,
            "HRX_OFFSITE_REGION": REGION,
            "HRX_OFFSITE_ACCESS_KEY_ID": "test",
            "HRX_OFFSITE_SECRET_ACCESS_KEY": "test",
            "HRX_LANGUAGE": language,
        }
        return subprocess.run(
            [sys.executable, "-m", "hrx.cli", "recover", *arguments],
            env={**os.environ, **mine},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    # `Any`: each command has its own shape.
    def told(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        done = self.run(*arguments, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Region]:
    with running_s3_server() as s3:
        found = Region(
            var=tmp_path / "var", key_file=tmp_path / "safe" / "backup.key", s3=s3, bucket=s3.make_bucket()
        )
        ledger = open_ledger(found.ledger_url)
        ledger.append(Kind.LOOK, actor="test")
        ledger.store.close()
        copy_ledger(found.vault, found.ledger_url)
        copy_settings(found.vault, {"settings": {"HRX_LANGUAGE": "ja"}, "commit": "abc", "system": "Linux"})
        yield found


def test_a_lost_machine_gets_its_backups_ledger_and_settings_back(region: Region) -> None:
    sent = region.told("copy")
    assert (sent["problem"], sent["files"]) == (None, 4)
    shutil.rmtree(region.var)

    fetched = region.told("fetch")
    assert fetched["files"] == 3
    # Nobody may mistake an empty ledger, which a command made on its way, for the real one.
    assert not (region.var / "ops" / "ledger.sqlite3").exists()
    assert region.told("ledger", "--list")["items"][0]["entries"] == 1
    assert region.told("ledger", "--yes")["entries"] == 1
    assert open_ledger(region.ledger_url).verify().is_valid
    (language,) = region.told("settings")["items"]
    assert (language["name"], language["then"], language["now"]) == ("HRX_LANGUAGE", "ja", None)

    again = region.run("fetch", language="ja")
    assert "欠けているものはありません" in again.stdout
    kept = open_ledger(region.ledger_url).list_entries()
    assert [entry.kind for entry in kept] == [Kind.BACKUPS_FETCHED, Kind.LEDGER_RESTORED, Kind.LOOK]
    assert region.told("ledger", "--yes", code=4)["error"]["code"] == "recovery.ledger_is_well"


def test_the_key_is_proven_and_renewed(region: Region, tmp_path: Path) -> None:
    kept = tmp_path / "stick.key"
    kept.write_text(region.key_file.read_text())
    assert region.told("key", "check", str(kept))["keys"] == 1
    assert region.told("key", "add", "--yes")["keys"] == 2
    entries = open_ledger(region.ledger_url).list_entries()
    assert [entry.body["what"] for entry in entries[:2]] == ["added", "checked"]
    assert "AGE-SECRET-KEY" not in str([entry.body for entry in entries])


def test_without_a_location_it_says_what_to_set(region: Region) -> None:
    done = region.told("fetch", "--from", "ftp://somewhere", code=2)
    assert done["error"]["code"] == "recovery.not_a_place"
