"""What the system was set to, in the vault: so that a new machine can be set up like the lost one.

Values of settings that are documented and no secret; of everything else a fingerprint, keyed with the
backups' key: whoever holds both can see whether a secret is the same one, and nobody can guess it from the
copy."""

from __future__ import annotations

import hashlib
import hmac
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.kit import clock
from hrx.kit.secrets import is_secret_name, mask_text
from hrx.kit.settings import document
from hrx.ops.recovery.keys import Keyring
from hrx.ops.recovery.vault import Vault
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.secrets import parse_env
from hrx.ops.targets.machine.settings import MachineSettings

_PREFIX: Final = "HRX_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A setting that is not what it was: `then` and `now` are None where there was none. Of a secret they are
    fingerprints."""

    name: str
    then: str | None
    now: str | None
    is_secret: bool


def describe_settings(layout: Layout, keyring: Keyring, *, commit: str) -> dict[str, Any]:
    """What is set on this machine now. `Any`: JSON."""
    plain = {
        one.variable for kind in (OpsSettings, MachineSettings) for one in document(kind) if not one.is_secret
    }
    said: dict[str, Any] = {}
    for name, value in sorted(_read_all(layout).items()):
        is_plain = name in plain and not is_secret_name(name) and mask_text(value) == value
        said[name] = value if is_plain else {"fingerprint": _fingerprint(keyring, name, value)}
    ports = layout.ports_file
    return {
        "commit": commit,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()} {' '.join(platform.libc_ver())}",
        "ports": orjson.loads(ports.read_bytes()) if ports.exists() else {},
        "settings": said,
        # Said on purpose: nothing of this kind exists yet, so nothing of it is missing.
        "models": [],
    }


def copy_settings(vault: Vault, told: Mapping[str, Any]) -> str | None:
    """Keep a copy; gives its name, None when the newest copy says the same. Raises PlaceUnavailable."""
    names = sorted(vault.list_names("settings"))
    if names and orjson.loads(vault.get_bytes(names[-1]))["told"] == told:
        return None
    taken_at = clock.now()
    name = f"settings/{taken_at:%Y%m%dT%H%M%S%f}Z.json"
    vault.put_bytes(name, orjson.dumps({"taken_at": taken_at, "told": told}))
    return name


def read_copy(vault: Vault) -> dict[str, Any] | None:
    """The newest copy (`taken_at`, `told`), None when there is none. Raises BackupFileDamaged."""
    names = sorted(vault.list_names("settings"))
    found: dict[str, Any] | None = orjson.loads(vault.get_bytes(names[-1])) if names else None
    return found


def compare_settings(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """What is set differently, by name; ports and paths of a new machine are expected to be."""
    names = sorted({*then["settings"], *now["settings"]})
    found = []
    for name in names:
        before, after = then["settings"].get(name), now["settings"].get(name)
        if before != after:
            is_secret = isinstance(before, dict) or isinstance(after, dict)
            found.append(Difference(name=name, then=_say(before), now=_say(after), is_secret=is_secret))
    return found


# `Any`: a value or a fingerprint.
def _say(value: Any) -> str | None:
    return str(value["fingerprint"]) if isinstance(value, dict) else value


def _read_all(layout: Layout) -> dict[str, str]:
    """Every HRX_* variable that a part of this machine is started with, and the secrets' own file."""
    found: dict[str, str] = {}
    for path in (*_env_files(layout.run / "env"), layout.secrets_file):
        if path.is_file():
            values = parse_env(path.read_text())
            found |= {name: value for name, value in values.items() if name.startswith(_PREFIX)}
    return found


def _env_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.env")) if folder.is_dir() else []


def _fingerprint(keyring: Keyring, name: str, value: str) -> str:
    # The oldest key: a new key on top must not make every secret look changed.
    key = hashlib.sha256(b"hrx settings " + str(keyring.identities[-1]).encode()).digest()
    return hmac.new(key, f"{name}={value}".encode(), "sha256").hexdigest()[:16]
