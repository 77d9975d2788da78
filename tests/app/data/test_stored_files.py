"""What rows name and what is in the storage are told apart by the operations plane, from outside."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from hrx.ops.recovery.files import (
    NamedFile,
    check_storage,
    collect_new,
    list_named,
    open_spool,
    restore_files,
)
from hrx.ops.recovery.files_finding import check_named_files
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.vault import Vault
from hrx.ops.seams.sessions import opened_session
from tests.app.data.conftest import Importer, csv_bytes
from tests.conftest import ROOT, PostgresServer

pytestmark = pytest.mark.req("R6.1-1")

FILE = csv_bytes("社員番号,氏名,部署,役職,上長,入社日", "00001,佐藤 健,本社,主任,,2020-04-01")


def read_named(postgres: PostgresServer) -> list[NamedFile]:
    with opened_session(postgres.ops_url, timeout_s=5) as session:
        return list_named(session)


async def test_rows_name_their_files_until_they_are_given_up(
    app: FastAPI, importer: Importer, postgres: PostgresServer, tmp_path: Path
) -> None:
    storage = Path(app.state.parts.settings.storage_url.removeprefix("file:"))
    vault = Vault(folder=Folder(tmp_path / "backups"), keyring=create_key(tmp_path / "backup.key"))
    open_spool(storage)
    before = {one.key for one in read_named(postgres)}
    uploaded = await importer.upload(FILE)
    (fresh,) = [one for one in read_named(postgres) if one.key not in before]

    collect_new(vault, storage)
    assert check_storage(vault, [fresh], storage, is_reading=True).is_well

    # Other tests' rows in this database may name files of storages that are gone: only the change is ours.
    empty = Vault(folder=Folder(tmp_path / "none"), keyring=vault.keyring)
    with opened_session(postgres.admin_url.rsplit("/", 1)[0] + "/hrx", timeout_s=5) as session:
        were_lost = check_storage(empty, list_named(session), storage).lost
        (storage / fresh.key).unlink()
        finding = check_named_files(session, vault, storage)
        lost = check_named_files(session, empty, storage)
    assert fresh not in were_lost
    assert finding.figures["to_bring_back"] == 1
    assert (finding.is_well, finding.figures["lost"]) == (not were_lost, len(were_lost))
    assert (lost.is_well, lost.figures["lost"]) == (False, len(were_lost) + 1)
    assert were_lost or fresh.key in lost.said.en
    environment = {
        **os.environ,
        "HRX_VAR_DIR": str(tmp_path),
        "HRX_BACKUP_FILES_DIR": str(storage),
        "HRX_OPS_DATABASE_URL": postgres.ops_url,
        "HRX_LANGUAGE": "en",
    }

    def run(*arguments: str, code: int) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "hrx.cli", "recover", "files", *arguments, "--json"],
            env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    # Other tests' files were uploaded before there was a spool: they are here and not in this vault.
    told = await asyncio.to_thread(run, code=1)
    assert [one["key"] for one in told["absent"]] == [fresh.key]
    told = await asyncio.to_thread(run, "--restore", "--read", code=1 if before else 0)
    assert (told["restored"], told["absent"], told["wrong"]) == (1, [], [])

    answer = await importer.browser.post(f"/imports/{uploaded['id']}/cancel")
    assert answer.status_code == 200, answer.text
    assert fresh not in read_named(postgres)
    assert not (storage / fresh.key).exists()
    # A moment of before still has its file.
    assert restore_files(vault, [fresh], tmp_path / "past").restored == 1
