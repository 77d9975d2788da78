"""The secrets of this machine's stack: made once, kept in one 0600 file, never overwritten, never printed."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.kit.secrets import list_accepted, newest

#: Every secret that is made here, and how many random bytes it has.
GENERATED: Final[Mapping[str, int]] = {
    "HRX_POSTGRES_ADMIN_PASSWORD": 24,
    "HRX_POSTGRES_OWNER_PASSWORD": 24,
    "HRX_POSTGRES_APP_PASSWORD": 24,
    "HRX_POSTGRES_OPS_PASSWORD": 24,
    "HRX_POSTGRES_REPAIR_PASSWORD": 24,
    "HRX_POSTGRES_BACKUP_PASSWORD": 24,
    "HRX_POSTGRES_RESTORE_PASSWORD": 24,
    "HRX_REDIS_PASSWORD": 24,
    "HRX_SESSION_KEYS": 48,
    "HRX_SEAL_KEYS": 48,
    "HRX_OPS_HOOK_TOKEN": 32,
    "HRX_INBOX_SECRET": 32,
    "HRX_SUBSCRIBER_KEY": 32,
    "HRX_DEMO_PASSWORD": 12,
    "HRX_OPERATOR_PASSWORD": 15,
}
_HEADER: Final = (
    "# Secrets of this HRX-AI, made on first start. Keep a copy in a safe place: without HRX_SEAL_KEYS the\n"
    "# second factors of all users are lost. Values here are never overwritten by `make up`.\n"
)


def ensure_secrets(path: Path) -> dict[str, str]:
    """The secrets, with missing ones made and added; existing values are kept to the byte.

    Raises Refused when the file can be read by others: what was readable must be assumed read."""
    known = read_secrets(path)
    missing = {name: secrets.token_urlsafe(size) for name, size in GENERATED.items() if name not in known}
    if missing:
        old = path.read_text() if path.exists() else _HEADER
        added = "".join(f"{name}={value}\n" for name, value in missing.items())
        _replace(path, old.rstrip("\n") + "\n" + added)
    return known | missing


def renew_secret(path: Path, name: str, *, keeps_former: bool = False) -> str:
    """Put a new value in place of one that is made here, and give it; the old one is gone.

    With `keeps_former` the two newest before stay behind it, after commas: of a secret that is a list. Two,
    for a run that died here adds another when it is gone on with, and everybody still has the one before.
    Raises KeyError when it is not made here or was never made."""
    made = secrets.token_urlsafe(GENERATED[name])
    former = list_accepted(read_secrets(path).get(name, ""))[:2] if keeps_former else ()
    return _put(path, name, ",".join((made, *former)))


def drop_former(path: Path, name: str) -> str:
    """Keep the newest of a list alone, and give it. Raises KeyError when it was never made."""
    return _put(path, name, newest(read_secrets(path)[name]))


def take_back(path: Path, name: str) -> str:
    """Without the newest of a list, as before that was added; the only one stays. Gives what is left.

    Raises KeyError when it was never made."""
    keys = list_accepted(read_secrets(path)[name])
    return _put(path, name, ",".join(keys[1:] or keys))


def put_value(path: Path, name: str, value: str) -> None:
    """Put a value in place of one that the file has, by whichever spelling; every other line stays.

    Raises KeyError when the file has none, Refused when others may read it."""
    if name not in read_secrets(path):
        raise KeyError(name)
    own = re.compile(rf"(\s*(?:export\s+)?{re.escape(name)}\s*=).*")
    lines = (own.sub(lambda found: found[1] + value, line) for line in path.read_text().splitlines())
    _replace(path, "\n".join(lines) + "\n")


def _put(path: Path, name: str, value: str) -> str:
    lines = path.read_text().splitlines()
    at = next((at for at, line in enumerate(lines) if line.startswith(f"{name}=")), None)
    if at is None:
        raise KeyError(name)
    lines[at] = f"{name}={value}"
    _replace(path, "\n".join(lines) + "\n")
    return value


def read_secrets(path: Path) -> dict[str, str]:
    """What the file holds; empty when there is none. Raises Refused when others may read it."""
    if not path.exists():
        return {}
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise Refused(
            Text(
                ja=f"{path} を他の利用者が読めます(モード {mode:o})。",
                en=f"{path} can be read by others (mode {mode:o}).",
            ),
            hint=Text(
                ja=f"`chmod 600 {path}` を実行し、読まれた恐れがあれば秘密を作り直してください。",
                en=f"Run `chmod 600 {path}`, and replace the secrets if they may have been read.",
            ),
            code="secrets.readable_by_others",
        )
    return parse_env(path.read_text())


def parse_env(text: str) -> dict[str, str]:
    """NAME=value lines; blank lines and # comments are skipped, one pair of quotes around a value dropped."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if not separator or name.startswith("#"):
            continue
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        values[name.strip()] = value
    return values


def _replace(path: Path, content: str) -> None:
    """Write beside and rename, with the mode set before the first byte: no moment exposes or halves it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
