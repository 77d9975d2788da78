"""Care for the backups' key: adding a new one, and proving that the copy kept elsewhere opens the backups.

A key file that nobody ever tried is a hope. The check opens what was backed up last, with nothing but the
copy."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pyrage

from hrx.kit.errors import NotFound, Text
from hrx.ops.ledger.entries import Entry, Kind, Ledger
from hrx.ops.recovery.keys import HEAD, KeyFileUnreadable, Keyring, load_keyring, require_keys
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.vault import Vault, list_keys_needed

#: Quarterly, as the drills.
CHECK_WITHIN: Final = timedelta(days=90)
_SUBJECT: Final = "backup-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChecked:
    """What a kept key file was proven to open: the newest backup file, by name; keys by fingerprint."""

    opened: str
    fingerprint: str
    keys: int


def check_key_file(folder: Folder, kept: Path) -> KeyChecked:
    """Open the newest file of every kind with this key file alone.

    Raises KeyFileUnreadable, KeyLost (it lacks a key that backups need), BackupFileDamaged, NotFound when
    there is no backup yet."""
    keyring = load_keyring(kept)
    require_keys(keyring, needed=list_keys_needed(folder))
    vault = Vault(folder=folder, keyring=keyring)
    newest: dict[str, tuple[datetime, str]] = {}
    for one in folder.list_files():
        name = vault.content_name(one.name)
        # Large ones take long and prove no more: each backup has a manifest beside it.
        if name is None or name.endswith(".tar"):
            continue
        top = name.partition("/")[0]
        newest[top] = max(newest.get(top, (one.changed_at, name)), (one.changed_at, name))
    if not newest:
        raise NotFound(
            Text(ja="バックアップがまだありません", en="There is no backup yet"),
            hint=Text(ja="`hrx recover backup` で取ります。", en="Take one with `hrx recover backup`."),
            code="recovery.no_backup",
        )
    nowhere = Path(os.devnull)
    for _, name in newest.values():
        with nowhere.open("wb") as into:
            vault.read_into(name, into)
    return KeyChecked(
        opened=max(newest.values())[1], fingerprint=keyring.fingerprint, keys=len(keyring.identities)
    )


def note_check(ledger: Ledger, checked: KeyChecked, *, actor: str) -> Entry:
    """Record it: where the copy lies is nobody's business here, that it opens the backups is."""
    body = {"what": "checked", "opened": checked.opened, "fingerprint": checked.fingerprint}
    return ledger.append(Kind.BACKUP_KEY, actor=actor, subject=_SUBJECT, body=body)


def find_last_check(ledger: Ledger, keyring: Keyring) -> datetime | None:
    """When a copy of the key file was last proven; a check of before the newest key does not count."""
    found = ledger.find_last(Kind.BACKUP_KEY, subject=_SUBJECT)
    return found.at if found and _is_check(found.body, keyring) else None


def proven_at(ledger: Ledger, key_file: Path) -> datetime | None:
    """When a kept copy last opened a backup; when the key file was made or changed, if none did since. None
    without a key file: that is another trouble."""
    try:
        keyring = load_keyring(key_file)
        made_at = datetime.fromtimestamp(key_file.stat().st_mtime, tz=UTC)
    except (KeyFileUnreadable, OSError):
        return None
    return find_last_check(ledger, keyring) or made_at


def count_missing(folder: Folder, key_file: Path) -> int:
    """Keys that backups were encrypted for and that the key file does not hold."""
    needed = list_keys_needed(folder)
    try:
        at_hand = load_keyring(key_file).fingerprints if needed else frozenset()
    except KeyFileUnreadable:
        at_hand = frozenset()
    return len(needed - at_hand)


def add_key(path: Path) -> Keyring:
    """Put a new key on top of the file; what was encrypted with the old ones is still opened.

    From the next backup on the new key is needed: the copy kept elsewhere is out of date now. Raises
    KeyFileUnreadable."""
    before = load_keyring(path)
    identity = pyrage.x25519.Identity.generate()
    lines = [str(one) for one in (identity, *before.identities)]
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(HEAD + "".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    return load_keyring(path)


def note_new_key(ledger: Ledger, keyring: Keyring, *, actor: str) -> Entry:
    """Record that there is a new key; the old check of the copy ends with it."""
    body = {"what": "added", "fingerprint": keyring.fingerprint}
    return ledger.append(Kind.BACKUP_KEY, actor=actor, subject=_SUBJECT, body=body)


def _is_check(body: Mapping[str, object], keyring: Keyring) -> bool:
    return body.get("what") == "checked" and body.get("fingerprint") == keyring.fingerprint
