"""Reading every file through without a restore: each kind of damage is told by name, and nothing else is."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from hrx.ops.recovery.backing_up import back_up
from hrx.ops.recovery.basebackup import BaseBackup, list_backups
from hrx.ops.recovery.file_check import check_vault_files
from hrx.ops.recovery.records import list_segments
from hrx.ops.recovery.site import Site
from tests.ops.recovery.conftest import Living
from tests.ops.recovery.test_proving import PRODUCT, arrive, flip, receiver, site
from tests.ops.recovery.test_restoring import Receiver

__all__ = ["receiver", "site"]
pytestmark = [pytest.mark.req("R6.1-1", "R6.2-1"), pytest.mark.timeout(120)]


@pytest.fixture
def full(living: Living, receiver: Receiver, site: Site) -> BaseBackup:
    """A backup and three segments after it."""
    living.execute(PRODUCT)
    arrive(living, receiver, site)
    made = back_up(site, parent=None, why="test")
    for _ in range(3):
        living.execute("INSERT INTO kept VALUES (1); SELECT pg_switch_wal()")
    arrive(living, receiver, site)
    return made


def told(site: Site) -> list[str]:
    return [one.name for one in check_vault_files(site).troubles]


def test_what_is_whole_is_read_through_and_each_damage_is_told_by_name(
    living: Living, site: Site, full: BaseBackup
) -> None:
    said: list[tuple[int, int]] = []
    found = check_vault_files(site, on_progress=lambda done, of: said.append((done, of)))
    assert found.troubles == ()
    assert found.is_well
    kept = list_segments(site.vault)
    assert (found.backups, found.segments) == (1, len(kept))
    assert said[-1] == (len(kept), len(kept))
    assert not (site.recovery_dir / "proving").exists(), "nothing was restored"

    root, vault = site.folder.root, site.vault
    second = kept[-2]
    path = root / vault.stored_name(second.name)
    whole = path.read_bytes()
    flip(path)
    assert told(site) == [second.name]

    # Another segment in its place: its own name within tells, although its seal is right.
    shutil.copyfile(root / vault.stored_name(kept[-1].name), path)
    assert told(site) == [second.name]

    path.unlink()
    vault.put(second.name, io.BytesIO(b"short"))
    assert told(site) == [second.name]

    vault.delete(second.name)
    assert told(site) == [second.segment.name]
    path.write_bytes(whole)
    assert told(site) == []


def test_a_backup_is_held_against_its_list_and_its_digest(site: Site, full: BaseBackup) -> None:
    vault = site.vault
    path = site.folder.root / vault.stored_name(full.tar_name)
    whole = path.read_bytes()
    flip(path)
    assert told(site) == [full.id]

    # Sealed with the right key, under the right name, and yet not what was put there.
    plain = io.BytesIO()
    path.write_bytes(whole)
    vault.read_into(full.tar_name, plain)
    content = bytearray(plain.getvalue())
    at = content.index(b"PG_VERSION") + 512
    assert bytes(content[at : at + 2]) == b"18"
    content[at : at + 2] = b"17"
    vault.put(full.tar_name, io.BytesIO(bytes(content)))
    names = told(site)
    assert full.tar_name in names
    assert [one for one in names if one.endswith("PG_VERSION")]

    vault.put(full.tar_name, io.BytesIO(bytes(content[: len(content) // 2])))
    assert full.tar_name in told(site)


def test_nothing_at_all_is_not_well(site: Site) -> None:
    assert list_backups(site.vault) == []
    found = check_vault_files(site)
    assert not found.is_well
    assert not Path(site.recovery_dir / "proving").exists()
