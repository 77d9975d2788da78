"""Our own secrets in a place where they must not be: by their values here, by their fingerprints elsewhere.

Where the values may be read, each is looked for as it is and as encoders write it. Of an environment whose
values stay there, only fingerprints are known: then every run of letters that could be a value is tried."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from hrx.ops.release.environments.fingerprints import FingerprintKey
from hrx.ops.release.environments.inner import list_inner

_RUN: Final = re.compile(rb"[A-Za-z0-9_+/=.~!@#%^&*-]{10,512}")
_TRIM: Final = b"=.-_/+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One of our own secrets, by the name of its setting. `value` is for its fingerprint, never shown."""

    name: str
    line: int
    value: bytes | None = field(repr=False)
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealSecrets:
    """What to look for: spellings of values (bytes → name), and fingerprints (→ name) with their key."""

    spellings: Mapping[bytes, str] = field(default_factory=dict, repr=False)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    key: FingerprintKey | None = None


def know_values(values: Mapping[str, str]) -> RealSecrets:
    """From names and values, each as it is, quoted for a URL, and in base64."""
    spellings: dict[bytes, str] = {}
    for name, value in values.items():
        for inner in list_inner(value):
            for spelling in _spell(inner):
                spellings.setdefault(spelling, name)
    return RealSecrets(spellings=spellings)


def find_real(data: bytes, known: RealSecrets) -> Iterator[Hit]:
    """Every place of every secret that is known, once a line."""
    for spelling, name in known.spellings.items():
        at = data.find(spelling)
        while at >= 0:
            yield Hit(name=name, line=data.count(b"\n", 0, at) + 1, value=spelling)
            line_end = data.find(b"\n", at)
            at = data.find(spelling, line_end) if line_end >= 0 else -1
    if known.key is not None and known.fingerprints:
        yield from _find_by_fingerprint(data, known.key, known.fingerprints)


def _find_by_fingerprint(data: bytes, key: FingerprintKey, wanted: Mapping[str, str]) -> Iterator[Hit]:
    tried: set[bytes] = set()
    for found in _RUN.finditer(data):
        run = found.group()
        # `name=value` and `key:value` are one run where the sign is a letter of values, too.
        for part in {run, run.strip(_TRIM), run.rpartition(b"=")[2], run.rpartition(b"/")[2]} - tried:
            tried.add(part)
            fingerprint = key.of(part)
            if fingerprint in wanted:
                line = data.count(b"\n", 0, found.start()) + 1
                yield Hit(name=wanted[fingerprint], line=line, value=None, fingerprint=fingerprint)


def _spell(value: str) -> set[bytes]:
    """The spellings of a value. In base64 of a longer text its neighbours change the first and last letters:
    the middle is looked for at each of the three offsets."""
    raw = value.encode()
    spellings = {raw, quote(value, safe="").encode()}
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        middle = encoded[-(-offset * 8 // 6) : len(encoded) - 4]
        if len(middle) >= 16:
            spellings |= {middle, middle.replace(b"+", b"-").replace(b"/", b"_")}
    return spellings
