"""An environment at one moment, without a single value: names, fingerprints, ages. It may be sent elsewhere.

A file of it is sealed with the key of the fingerprints: one made with another key compares with nothing here,
and one that was changed on its way is refused."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid, Text
from hrx.kit.secrets import mask_text
from hrx.ops.release.environments.fingerprints import FingerprintKey
from hrx.ops.release.environments.inner import list_inner
from hrx.ops.release.environments.schema import KnownSetting
from hrx.ops.release.environments.source import Reading
from hrx.ops.release.releases import Environment

_FORMAT: Final = "hrx fingerprints 1"
_SHORT: Final = 16
_MIN_DISTINCT: Final = 6
_PLACEHOLDERS: Final = ("change", "example", "placeholder", "password", "secret", "test", "xxxx", "1234")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One name that is set. `inner` are fingerprints of the secrets inside its value; `shown` is the masked
    value of a setting that is no secret and is None in what came from elsewhere."""

    name: str
    fingerprint: str
    inner: tuple[str, ...] = ()
    is_weak: bool = False
    changed_at: datetime | None = None
    shown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All names that are set in one environment. `derives` are set when it starts."""

    environment: Environment
    source: str
    taken_at: datetime
    key_id: str
    entries: Mapping[str, Entry]
    derives: frozenset[str] = frozenset()
    is_machine: bool = False


def take_snapshot(
    environment: Environment,
    reading: Reading,
    *,
    source: str,
    key: FingerprintKey,
    known: Mapping[str, KnownSetting],
) -> Snapshot:
    """From values to fingerprints. A name that nothing declares is treated as a secret."""
    entries = {}
    for name, value in sorted(reading.values.items()):
        setting = known.get(name)
        is_secret = setting is None or setting.is_secret
        inner = list_inner(value) if is_secret else ()
        entries[name] = Entry(
            name=name,
            fingerprint=key.of(value),
            inner=tuple(sorted(key.of(part) for part in inner)),
            # Of a name that nothing declares nobody knows how strong it should be.
            is_weak=setting is not None
            and is_secret
            and any(_is_weak(part) for part in inner or (value,) if value not in ("[]", "")),
            changed_at=reading.changed_at.get(name),
            shown=None if is_secret else mask_text(value)[:120],
        )
    return Snapshot(
        environment=environment,
        source=source,
        taken_at=clock.now(),
        key_id=key.id,
        entries=entries,
        derives=reading.derives,
        is_machine=reading.is_machine,
    )


def write_snapshot(snapshot: Snapshot, path: Path, *, key: FingerprintKey) -> None:
    """Write it whole or not at all; no value is in it, not even of a setting that is no secret."""
    body = _to_json(snapshot)
    document = {**body, "seal": _seal(body, key)}
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def read_snapshot(path: Path, *, key: FingerprintKey) -> Snapshot:
    """What `write_snapshot` wrote, here or elsewhere.

    Raises Invalid for another file or a changed one, Conflict when it was made with another key."""
    try:
        document = json.loads(path.read_text())
        body = {name: value for name, value in document.items() if name != "seal"}
        if body["format"] != _FORMAT:
            raise ValueError(body["format"])
        snapshot = _from_json(body)
        seal = str(document["seal"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid(
            Text(
                ja=f"{path} はフィンガープリントのファイルではありません",
                en=f"{path} is no file of fingerprints",
            ),
            hint=Text(
                ja="`hrx settings export` で書き出したものを渡してください。",
                en="Give one that `hrx settings export` wrote.",
            ),
            code="settings.no_fingerprints",
        ) from error
    if snapshot.key_id != key.id:
        raise Conflict(
            Text(
                ja=f"{path} は別の鍵({snapshot.key_id})で作られており、比べられません",
                en=f"{path} was made with another key ({snapshot.key_id}) and compares with nothing here",
            ),
            hint=Text(
                ja="HRX_FINGERPRINT_KEY_FILE に同じ鍵を置いて、書き出し直してください。",
                en="Put the same key at HRX_FINGERPRINT_KEY_FILE there and export anew.",
            ),
            code="settings.other_key",
        )
    if not hmac.compare_digest(seal, _seal(body, key)):
        raise Invalid(
            Text(
                ja=f"{path} は書き出した後で変えられています", en=f"{path} was changed after it was written"
            ),
            hint=Text(ja="もう一度書き出してください。", en="Export it anew."),
            code="settings.fingerprints_changed",
        )
    return snapshot


def without_values(snapshot: Snapshot) -> Snapshot:
    """The same as another environment sees it."""
    entries = {name: replace(entry, shown=None) for name, entry in snapshot.entries.items()}
    return replace(snapshot, entries=entries)


def _is_weak(value: str) -> bool:
    """Short, with few different letters, or what people write where a secret will stand."""
    lower = value.lower()
    is_word = len(value) < 2 * _SHORT and any(word in lower for word in _PLACEHOLDERS)
    return len(value) < _SHORT or len(set(value)) < _MIN_DISTINCT or is_word


def _to_json(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "environment": snapshot.environment.value,
        "source": snapshot.source,
        "taken_at": snapshot.taken_at.isoformat(),
        "key_id": snapshot.key_id,
        "derives": sorted(snapshot.derives),
        "is_machine": snapshot.is_machine,
        "entries": {
            name: {
                "fingerprint": entry.fingerprint,
                "inner": list(entry.inner),
                "is_weak": entry.is_weak,
                "changed_at": entry.changed_at.isoformat() if entry.changed_at else None,
            }
            for name, entry in snapshot.entries.items()
        },
    }


def _from_json(body: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        environment=Environment(body["environment"]),
        source=str(body["source"]),
        taken_at=datetime.fromisoformat(body["taken_at"]),
        key_id=str(body["key_id"]),
        derives=frozenset(map(str, body["derives"])),
        is_machine=bool(body["is_machine"]),
        entries={
            str(name): Entry(
                name=str(name),
                fingerprint=str(row["fingerprint"]),
                inner=tuple(map(str, row["inner"])),
                is_weak=bool(row["is_weak"]),
                changed_at=datetime.fromisoformat(row["changed_at"]) if row["changed_at"] else None,
            )
            for name, row in body["entries"].items()
        },
    )


def _seal(body: Mapping[str, Any], key: FingerprintKey) -> str:
    return key.of(b"snapshot\0" + json.dumps(body, sort_keys=True, separators=(",", ":")).encode())
