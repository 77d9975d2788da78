"""The keys that backups are encrypted with: age identities in a file that no backup contains.

age is an open format, so a copy can be opened with any age program on the day when nothing of ours is left.
The first key encrypts; older ones still open what they encrypted. A lost key is a lost backup: the vault says
in plain which keys it needs, so that the loss is seen today and not on that day."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyrage

from hrx.kit.errors import Refused, Text, Unavailable

HEAD: Final = (
    "# HRX-AI: the keys of the backups. Keep a copy somewhere else than the backups and this machine:\n"
    "# without it no backup can be opened. New keys go on top; old ones stay as long as their backups do.\n"
)


class KeyLost(Refused):
    """Backups exist that none of the keys at hand can open."""

    code = "recovery.key_lost"


class KeyFileUnreadable(Unavailable):
    """The key file is missing, is not one, or may not be read."""

    code = "recovery.key_unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """Keys at hand, newest first. Never printed: `fingerprints` are the public halves."""

    identities: tuple[pyrage.x25519.Identity, ...]

    @property
    def recipient(self) -> pyrage.x25519.Recipient:
        """What new backups are encrypted for."""
        return self.identities[0].to_public()

    @property
    def fingerprint(self) -> str:
        """The public half of the key that encrypts (`age1…`)."""
        return str(self.recipient)

    @property
    def fingerprints(self) -> frozenset[str]:
        return frozenset(str(one.to_public()) for one in self.identities)

    def __repr__(self) -> str:
        return f"Keyring({self.fingerprint[:12]}…)"


def load_keyring(path: Path) -> Keyring:
    """The keys of a file in age's own format. Raises KeyFileUnreadable."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "it is not text") from error
    identities = []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            try:
                identities.append(pyrage.x25519.Identity.from_str(line.strip()))
            # The library's message may quote the line, which is the secret itself.
            except pyrage.IdentityError:
                raise _unreadable(path, "a line is not an age identity") from None
    if not identities:
        raise _unreadable(path, "it holds no key")
    return Keyring(identities=tuple(identities))


def create_key(path: Path) -> Keyring:
    """Make the first key; harmless when the file exists. The caller has seen that no backup exists yet."""
    if path.exists():
        return load_keyring(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    identity = pyrage.x25519.Identity.generate()
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{HEAD}{identity}\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    return Keyring(identities=(identity,))


def require_keys(keyring: Keyring, *, needed: frozenset[str]) -> None:
    """Raises KeyLost when something was encrypted for keys that are not at hand."""
    missing = sorted(needed - keyring.fingerprints)
    if missing:
        names = ", ".join(f"{name[:16]}…" for name in missing)
        raise KeyLost(
            Text(
                ja=f"バックアップを開く鍵がありません: {names}",
                en=f"Keys are missing without which backups cannot be opened: {names}",
            ),
            hint=Text(
                ja="控えておいた鍵ファイルの中身を HRX_BACKUP_KEY_FILE のファイルに書き足してください。",
                en="Add what you kept of the key file to the file that HRX_BACKUP_KEY_FILE names.",
            ),
        )


def _unreadable(path: Path, says: str) -> KeyFileUnreadable:
    return KeyFileUnreadable(
        Text(
            ja=f"バックアップの鍵を読めません({path}): {says}",
            en=f"Cannot read the backups' keys ({path}): {says}",
        ),
        hint=Text(
            ja="控えておいた鍵ファイルを元の場所に戻してください。",
            en="Put the copy of the key file that you kept back in its place.",
        ),
    )
