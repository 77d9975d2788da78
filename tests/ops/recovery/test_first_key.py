"""The key at a start: made before the first backup, never in place of a lost one, never among the backups."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hrx.kit.errors import Refused
from hrx.ops.recovery.first_key import ensure_key
from hrx.ops.recovery.keys import load_keyring
from hrx.ops.recovery.site import Site
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout


def site_of(folder: Path, **settings: Path) -> Site:
    layout = Layout(root=Path.cwd(), var=folder, user=None, tools=folder / "tools")
    return Site(settings=OpsSettings(**settings), layout=layout)  # type: ignore[arg-type]


def test_a_first_start_makes_the_key_and_a_second_keeps_it(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    assert ensure_key(site).made
    made = site.key_file.read_bytes()
    assert stat.S_IMODE(site.key_file.stat().st_mode) == 0o600
    again = ensure_key(site_of(tmp_path))
    assert (again.made, again.lost) == (False, None)
    assert site.key_file.read_bytes() == made


@pytest.mark.req("R6.1-5")
def test_a_lost_key_is_named_with_what_to_do_and_no_new_one_is_made(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    ensure_key(site)
    site.vault.put_bytes("wal/x", b"records")
    fingerprint = site.keyring.fingerprint
    site.key_file.unlink()
    found = ensure_key(site_of(tmp_path))
    assert found.lost is not None
    assert fingerprint in found.lost.en
    assert fingerprint in found.lost.ja
    assert "Put the copy of the key file that you kept back" in found.lost.en
    assert not site.key_file.exists()


@pytest.mark.req("R6.1-5")
def test_another_key_in_its_place_is_noticed(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    ensure_key(site)
    site.vault.put_bytes("wal/x", b"records")
    fingerprint = site.keyring.fingerprint
    other = site_of(tmp_path / "other")
    ensure_key(other)
    other.key_file.replace(site.key_file)
    found = ensure_key(site_of(tmp_path))
    assert found.lost is not None
    assert fingerprint in found.lost.en
    assert load_keyring(site.key_file).fingerprint != fingerprint


def test_backups_without_a_word_of_their_keys_still_forbid_a_new_one(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    kept = site.backup_dir / "base" / "x" / "base.tar.zst.age"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"encrypted for somebody")
    found = ensure_key(site)
    assert found.lost is not None
    assert not site.key_file.exists()


@pytest.mark.parametrize("place", ["backup.key", "keys/backup.key", "../backups/backup.key"])
def test_the_key_may_not_lie_among_the_backups(tmp_path: Path, place: str) -> None:
    backups = tmp_path / "backups"
    site = site_of(tmp_path, backup_dir=backups, backup_key_file=backups / place)
    with pytest.raises(Refused) as refused:
        ensure_key(site)
    assert refused.value.stable_code == "recovery.key_among_backups"
    assert not site.key_file.exists()
