"""The ledger comes back when it is lost, and is left alone when it is not; keys and settings are kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.kit.errors import Refused
from hrx.ops.ledger.entries import Kind, Ledger, open_ledger
from hrx.ops.recovery.key_care import add_key, check_key_file, find_last_check, note_check
from hrx.ops.recovery.keys import KeyLost, create_key, load_keyring
from hrx.ops.recovery.ledger_copy import (
    LedgerDamaged,
    copy_ledger,
    list_copies,
    restore_ledger,
    thin_copies,
)
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.settings_copy import compare_settings, copy_settings, describe_settings, read_copy
from hrx.ops.recovery.vault import BackupFileDamaged, Vault
from hrx.ops.targets.machine.layout import Layout

pytestmark = pytest.mark.req("R6.1-1")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ops' / 'ledger.sqlite3'}"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    found = open_ledger(url)
    for number in range(5):
        found.append(Kind.LOOK, actor="test", body={"number": number})
    yield found
    found.store.close()


def lose(tmp_path: Path) -> None:
    for path in (tmp_path / "ops").iterdir():
        path.unlink()


@pytest.mark.usefixtures("ledger")
def test_a_lost_ledger_comes_back_and_says_so(vault: Vault, url: str, tmp_path: Path) -> None:
    made = copy_ledger(vault, url)
    assert made is not None
    assert (made.entries, made.is_valid) == (5, True)
    lose(tmp_path)

    done = restore_ledger(vault, url, actor="test")

    assert done.set_aside is None
    back = open_ledger(url)
    assert back.verify().is_valid
    entries = back.list_entries()
    assert [entry.kind for entry in entries] == [Kind.LEDGER_RESTORED, *[Kind.LOOK] * 5]
    assert entries[0].body["entries"] == 5


def test_a_copy_is_taken_only_when_there_is_something_new(vault: Vault, url: str, ledger: Ledger) -> None:
    assert copy_ledger(vault, url) is not None
    assert copy_ledger(vault, url) is None
    ledger.append(Kind.LOOK, actor="test")
    assert copy_ledger(vault, url) is not None
    assert [one.entries for one in list_copies(vault)] == [6, 5]


@pytest.mark.usefixtures("ledger")
def test_a_ledger_that_is_well_is_not_replaced(vault: Vault, url: str) -> None:
    copy_ledger(vault, url)
    with pytest.raises(Refused, match="is well"):
        restore_ledger(vault, url, actor="test")


@pytest.mark.usefixtures("ledger")
def test_the_empty_one_that_came_up_instead_is_set_aside(vault: Vault, url: str, tmp_path: Path) -> None:
    copy_ledger(vault, url)
    lose(tmp_path)
    open_ledger(url).append(Kind.LOOK, actor="amnesia")

    done = restore_ledger(vault, url, actor="test")

    assert done.set_aside is not None
    assert [one.actor for one in open_ledger(f"sqlite:///{done.set_aside}").list_entries()] == ["amnesia"]
    assert open_ledger(url).count() == 6


@pytest.mark.usefixtures("ledger")
def test_a_forged_ledger_is_kept_for_a_look_and_never_restored(
    vault: Vault, url: str, tmp_path: Path
) -> None:
    copy_ledger(vault, url)
    path = tmp_path / "ops" / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as forger, forger:
        for (name,) in forger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            forger.execute(f"DROP TRIGGER {name}")
        forger.execute("UPDATE entry SET actor = 'somebody else' WHERE seq = 3")
        forger.execute("UPDATE head SET hash = 'x'")

    with pytest.raises(LedgerDamaged):
        copy_ledger(vault, url)
    assert [one.is_valid for one in list_copies(vault)] == [False, True]

    assert restore_ledger(vault, url, actor="test").copy.is_valid
    assert open_ledger(url).verify().is_valid


@pytest.mark.usefixtures("ledger")
def test_what_is_no_database_any_more_is_told_and_replaced(vault: Vault, url: str, tmp_path: Path) -> None:
    copy_ledger(vault, url)
    path = tmp_path / "ops" / "ledger.sqlite3"
    path.write_bytes(b"\0" * 8192)
    with pytest.raises(LedgerDamaged, match="damaged"):
        copy_ledger(vault, url)
    done = restore_ledger(vault, url, actor="test")
    assert done.set_aside is not None
    assert open_ledger(url).verify().is_valid


@pytest.mark.usefixtures("ledger")
def test_a_damaged_copy_replaces_nothing(vault: Vault, url: str, tmp_path: Path) -> None:
    made = copy_ledger(vault, url)
    assert made is not None
    path = vault.folder.root / vault.stored_name(made.name)
    path.write_bytes(path.read_bytes()[:-9])
    lose(tmp_path)
    with pytest.raises(BackupFileDamaged):
        restore_ledger(vault, url, actor="test")
    assert not list((tmp_path / "ops").iterdir())


def test_copies_are_thinned_and_the_newest_good_one_stays(
    vault: Vault, url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = datetime(2026, 10, 1, tzinfo=UTC)
    for step in range(96):
        moment = start + timedelta(minutes=45 * step)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        ledger.append(Kind.LOOK, actor="test")
        copy_ledger(vault, url)
    thin_copies(vault, keep_days=30)
    left = list_copies(vault)
    # The newest, one of each hour of the two days, and one a day before.
    assert 48 <= len(left) <= 54
    assert left[0].entries == 5 + 96
    assert thin_copies(vault, keep_days=30) == []

    far = start + timedelta(days=400)
    monkeypatch.setattr(clock, "now", lambda: far)
    thin_copies(vault, keep_days=30)
    assert list_copies(vault) == left[:1]


def test_a_kept_key_file_is_proven_by_opening_a_backup(
    vault: Vault, tmp_path: Path, url: str, ledger: Ledger
) -> None:
    copy_ledger(vault, url)
    kept = tmp_path / "usb-stick" / "backup.key"
    kept.parent.mkdir()
    kept.write_text((tmp_path / "backup.key").read_text())

    checked = check_key_file(vault.folder, kept)
    assert checked.opened.startswith("ledger/")
    assert find_last_check(ledger, vault.keyring) is None
    note_check(ledger, checked, actor="test")
    assert find_last_check(ledger, vault.keyring) is not None

    other = tmp_path / "other.key"
    create_key(other)
    with pytest.raises(KeyLost):
        check_key_file(vault.folder, other)


def test_a_new_key_encrypts_and_the_old_one_still_opens(vault: Vault, tmp_path: Path, ledger: Ledger) -> None:
    vault.put_bytes("ledger/old", b"old")
    kept = tmp_path / "kept.key"
    kept.write_text((tmp_path / "backup.key").read_text())
    note_check(ledger, check_key_file(vault.folder, kept), actor="test")

    both = add_key(tmp_path / "backup.key")
    renewed = Vault(folder=vault.folder, keyring=both)
    renewed.put_bytes("ledger/new", b"new")

    assert renewed.get_bytes("ledger/old") == b"old"
    assert (tmp_path / "backup.key").stat().st_mode & 0o777 == 0o600
    assert load_keyring(tmp_path / "backup.key").fingerprint != vault.keyring.fingerprint
    # The copy kept elsewhere lacks the new key, and its check ended with it.
    assert find_last_check(ledger, both) is None
    with pytest.raises(KeyLost):
        check_key_file(Folder(vault.folder.root), kept)


def test_settings_are_kept_without_one_secret(vault: Vault, tmp_path: Path) -> None:
    layout = Layout(root=tmp_path, var=tmp_path / "var", user=None, tools=tmp_path / "tools")
    env = layout.run / "env"
    env.mkdir(parents=True)
    (env / "ops.env").write_text(
        "HRX_LANGUAGE=ja\nHRX_LEDGER_URL='postgresql://u:geheim1@db/x'\nHRX_SLACK_BOT_TOKEN=geheim2\nPATH=/bin\n"
    )
    (env / "api.env").write_text("HRX_SOMETHING_OF_THE_PRODUCT=geheim3\n")
    layout.secrets_file.write_text("HRX_SESSION_KEYS=geheim4\n")

    told = describe_settings(layout, vault.keyring, commit="abc")
    assert told["settings"]["HRX_LANGUAGE"] == "ja"
    assert "geheim" not in str(told)
    assert len(told["settings"]) == 5
    assert copy_settings(vault, told) is not None
    assert copy_settings(vault, told) is None

    layout.secrets_file.write_text("HRX_SESSION_KEYS=another\n")
    kept = read_copy(vault)
    assert kept is not None
    found = compare_settings(kept["told"], describe_settings(layout, vault.keyring, commit="abc"))
    assert [(one.name, one.is_secret) for one in found] == [("HRX_SESSION_KEYS", True)]
