"""Base backups of a real server: whole, by blocks, and never half of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hrx.ops.recovery.basebackup import (
    BackupFailed,
    BackupKind,
    delete_backup,
    list_backups,
    read_manifest_of,
    take_backup,
)
from hrx.ops.recovery.manifest import Damage, NotAManifest, check_files, read_manifest
from hrx.ops.recovery.vault import Vault
from tests.ops.recovery.conftest import Living
from tests.ops.recovery.test_tarring import unpack_bytes

pytestmark = pytest.mark.req("R6.1-1")


def unpack(vault: Vault, name: str, into: Path) -> Path:
    into.mkdir()
    with vault.unpacked(name, beside=into.parent) as path:
        unpack_bytes(path.read_bytes(), into)
    return into


def test_a_full_backup_is_as_its_list_says_and_an_increment_is_smaller(
    living: Living, vault: Vault, tmp_path: Path
) -> None:
    living.execute("CREATE TABLE IF NOT EXISTS person (id int PRIMARY KEY, name text)")
    living.execute("INSERT INTO person SELECT n, md5(n::text) FROM generate_series(1, 20000) n")
    full = take_backup(vault, living.source, parent=None, timeout_s=60)
    living.execute("UPDATE person SET name = 'x' WHERE id < 100")
    living.execute("CHECKPOINT")
    step = take_backup(vault, living.source, parent=full, timeout_s=60)
    assert list_backups(vault) == [full, step]
    assert (step.kind, step.parent) == (BackupKind.INCREMENTAL, full.id)
    assert full.start < full.end <= step.start < step.end
    assert step.stored_bytes < full.stored_bytes / 5
    directory = unpack(vault, full.tar_name, tmp_path / "full")
    manifest = read_manifest_of(vault, full)
    assert list(check_files(manifest, directory)) == []
    assert manifest.system_identifier == living.cluster.system_identifier()


def test_every_kind_of_difference_from_the_list_is_seen(living: Living, vault: Vault, tmp_path: Path) -> None:
    backup = take_backup(vault, living.source, parent=None, timeout_s=60)
    directory = unpack(vault, backup.tar_name, tmp_path / "full")
    manifest = read_manifest_of(vault, backup)
    (directory / "global" / "pg_control").write_bytes(b"short")
    (directory / "PG_VERSION").write_bytes(b"81\n")
    (directory / "pg_xact" / "0000").unlink()
    (directory / "base" / "intruder").write_bytes(b"x")
    found = {(one.path, one.damage) for one in check_files(manifest, directory)}
    assert found == {
        ("global/pg_control", Damage.SIZE),
        ("PG_VERSION", Damage.CONTENT),
        ("pg_xact/0000", Damage.MISSING),
        ("base/intruder", Damage.EXTRA),
    }


def test_a_changed_list_is_no_list(living: Living, vault: Vault) -> None:
    backup = take_backup(vault, living.source, parent=None, timeout_s=60)
    content = vault.get_bytes(backup.manifest_name)
    with pytest.raises(NotAManifest):
        read_manifest(content.replace(b"PG_VERSION", b"PG_VERSIOM"))
    with pytest.raises(NotAManifest):
        read_manifest(content[: len(content) // 2])


def test_a_backup_that_cannot_be_taken_leaves_nothing_and_tells_no_secret(
    living: Living, vault: Vault
) -> None:
    gone = replace(living.source, conninfo="host=127.0.0.1 port=1 user=hrx_admin")
    with pytest.raises(BackupFailed) as failed:
        take_backup(vault, gone, parent=None, timeout_s=20)
    assert "refused" in failed.value.message.en
    slow = replace(living.source, max_rate_kbytes=32)
    with pytest.raises(BackupFailed):
        take_backup(vault, slow, parent=None, timeout_s=0.2)
    assert list_backups(vault) == []
    assert list(vault.list_names()) == []


def test_a_removed_backup_is_gone_whole(living: Living, vault: Vault) -> None:
    backup = take_backup(vault, living.source, parent=None, timeout_s=60)
    delete_backup(vault, backup)
    assert list_backups(vault) == []
    assert list(vault.list_names()) == []
