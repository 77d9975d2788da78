"""Keyed fingerprints: two places can tell whether they hold the same value, and neither learns the other's.

HMAC-SHA256 with a key that stays where it is. Without the key a fingerprint says nothing, even of a short
value; who holds both could try values out, so that the key never travels with a file of fingerprints."""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hrx.kit.errors import Refused, Text

_KEY_BYTES: Final = 32
#: 128 bits: no two values of one house ever share one by chance.
_HEX: Final = 32
_VALUE: Final = b"hrx value 1\0"
_ID: Final = b"hrx key id 1\0"


@dataclass(frozen=True, slots=True)
class FingerprintKey:
    """The key. It is never shown; `id` tells two keys apart."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """16 hex digits that name this key and give nothing away."""
        return hmac.new(self.secret, _ID, "sha256").hexdigest()[:16]

    def of(self, value: str | bytes) -> str:
        """The value's fingerprint, 32 hex digits; the same for the same bytes under whatever name."""
        raw = value.encode() if isinstance(value, str) else value
        return hmac.new(self.secret, _VALUE + raw, "sha256").hexdigest()[:_HEX]


def load_key(path: Path) -> FingerprintKey:
    """The key of that file, made on first use (mode 0600).

    Raises Refused when others may read it or when it is no key."""
    if not path.exists():
        _make(path)
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise Refused(
            Text(
                ja=f"{path} を他の利用者が読めます(モード {mode:o})。",
                en=f"{path} can be read by others (mode {mode:o}).",
            ),
            hint=Text(
                ja=f"`chmod 600 {path}` を実行してください。読まれた恐れがあれば、鍵を作り直して"
                "フィンガープリントを書き出し直します。",
                en=f"Run `chmod 600 {path}`. If it may have been read, make a new one and export anew.",
            ),
            code="settings.key_readable_by_others",
        )
    try:
        found = bytes.fromhex(path.read_text().strip())
    except ValueError:
        found = b""
    if len(found) != _KEY_BYTES:
        raise Refused(
            Text(
                ja=f"{path} はフィンガープリントの鍵ではありません。",
                en=f"{path} holds no key for fingerprints.",
            ),
            hint=Text(
                ja="控えから戻すか、ファイルを消して作り直してください(以前の書き出しとは比べられません)。",
                en="Bring it back from its copy, or remove the file: a new key is made, which compares "
                "with no earlier export.",
            ),
            code="settings.no_key",
        )
    return FingerprintKey(found)


def _make(path: Path) -> None:
    """Two that begin at once agree on one key: the second finds the first's file and keeps it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
