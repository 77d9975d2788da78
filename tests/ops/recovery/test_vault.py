"""What is read back is what was put, or an error that names the file; never something else."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from hrx.ops.recovery.keys import KeyFileUnreadable, KeyLost, Keyring, create_key, load_keyring, require_keys
from hrx.ops.recovery.places import FileNotThere, Folder, PlaceUnavailable
from hrx.ops.recovery.vault import BackupFileDamaged, Vault, list_keys_needed

pytestmark = pytest.mark.req("R6.1-1")
NAME = "wal/00000001/000000010000000000000003"


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return create_key(tmp_path / "keys" / "backup.key")


@pytest.fixture
def vault(tmp_path: Path, keyring: Keyring) -> Vault:
    return Vault(folder=Folder(tmp_path / "vault"), keyring=keyring)


def stored(vault: Vault, name: str = NAME) -> Path:
    return vault.folder.root / vault.stored_name(name)


@pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_001])
def test_what_was_put_comes_back(vault: Vault, size: int) -> None:
    content = os.urandom(size)
    sealed = vault.put_bytes(NAME, content)
    assert sealed.size_bytes == size
    into = io.BytesIO()
    assert vault.read_into(NAME, into) == sealed.sha256
    assert into.getvalue() == content
    assert list(vault.list_names()) == [NAME]


def test_nothing_of_the_content_or_the_key_is_readable(vault: Vault, tmp_path: Path) -> None:
    vault.put_bytes(NAME, "給与 山田太郎".encode() * 10)
    secret = (tmp_path / "keys" / "backup.key").read_text().splitlines()[-1]
    for path in (tmp_path / "vault").rglob("*"):
        if path.is_file():
            assert "山田".encode() not in path.read_bytes()
            assert secret.encode() not in path.read_bytes()
    assert secret not in repr(vault)
    assert (tmp_path / "keys" / "backup.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("place", [0.0, 0.02, 0.5, 0.999])
def test_a_flipped_byte_is_seen_wherever_it_is(vault: Vault, place: float) -> None:
    vault.put_bytes(NAME, os.urandom(200_000))
    content = bytearray(stored(vault).read_bytes())
    content[int(len(content) * place)] ^= 0x01
    stored(vault).write_bytes(bytes(content))
    with pytest.raises(BackupFileDamaged):
        vault.get_bytes(NAME)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.9999])
def test_a_truncated_file_is_seen(vault: Vault, kept: float) -> None:
    vault.put_bytes(NAME, os.urandom(200_000))
    content = stored(vault).read_bytes()
    stored(vault).write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(BackupFileDamaged):
        vault.get_bytes(NAME)


def test_a_file_in_anothers_place_is_seen(vault: Vault) -> None:
    other = "wal/00000001/000000010000000000000004"
    vault.put_bytes(NAME, b"three" * 100)
    vault.put_bytes(other, b"four!" * 100)
    stored(vault).write_bytes(stored(vault, other).read_bytes())
    with pytest.raises(BackupFileDamaged):
        vault.get_bytes(NAME)
    with pytest.raises(FileNotThere):
        vault.get_bytes("wal/00000001/000000010000000000000005")


def test_a_writer_that_fails_half_way_leaves_nothing_and_the_former_file_stays(vault: Vault) -> None:
    vault.put_bytes(NAME, b"first")

    class Breaks(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            if not found:
                raise OSError(28, "No space left on device")
            return found

    with pytest.raises(PlaceUnavailable):
        vault.put(NAME, Breaks(os.urandom(100_000)))
    assert vault.get_bytes(NAME) == b"first"
    assert vault.folder.sweep() == 0


def test_what_a_killed_writer_left_is_not_listed_and_swept(vault: Vault) -> None:
    vault.put_bytes(NAME, b"first")
    (stored(vault).parent / "000000010000000000000009.zst.age.ab12cd34.writing").write_bytes(b"half")
    assert list(vault.list_names()) == [NAME]
    assert vault.folder.sweep() == 1


def test_a_new_key_still_opens_the_old_and_a_lost_one_is_told_today(tmp_path: Path, vault: Vault) -> None:
    vault.put_bytes(NAME, b"old")
    path = tmp_path / "keys" / "backup.key"
    other = create_key(tmp_path / "keys" / "other.key")
    lines = (tmp_path / "keys" / "other.key").read_text() + path.read_text()
    path.write_text(lines)
    both = load_keyring(path)
    assert both.fingerprint == other.fingerprint
    renewed = Vault(folder=vault.folder, keyring=both)
    renewed.put_bytes("wal/00000001/000000010000000000000004", b"new")
    assert renewed.get_bytes(NAME) == b"old"
    needed = list_keys_needed(vault.folder)
    assert needed == both.fingerprints
    with pytest.raises(KeyLost) as lost:
        require_keys(other, needed=needed)
    assert lost.value.hint is not None
    with pytest.raises(BackupFileDamaged):
        Vault(folder=vault.folder, keyring=other).get_bytes(NAME)


def test_a_wrong_key_file_never_quotes_itself(tmp_path: Path) -> None:
    path = tmp_path / "backup.key"
    path.write_text("AGE-SECRET-KEY-1THISISNOTAKEY\n")
    with pytest.raises(KeyFileUnreadable) as raised:
        load_keyring(path)
    assert "THISISNOT" not in str(raised.value) + raised.value.message.ja
    with pytest.raises(KeyFileUnreadable):
        load_keyring(tmp_path / "nothing.key")


def test_a_full_disk_on_the_way_back_is_no_damage(vault: Vault) -> None:
    vault.put_bytes(NAME, os.urandom(200_000))

    class Full(io.BytesIO):
        def write(self, data: object, /) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        vault.read_into(NAME, Full())


@pytest.mark.parametrize("name", ["../etc/passwd", "/etc/passwd", "a//b", "a/../b", ".hidden", ""])
def test_no_name_leaves_the_place(vault: Vault, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        vault.put_bytes(name, b"x")
