"""What was found before and judged to be no secret, each with the reason that a reviewer read.

An entry names the value by its plain SHA-256: it stands in the repository anyway, and the list must mean the
same on every machine. An entry without a reason is refused."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import yaml

from hrx.kit.errors import Invalid, Text

#: Beside the sources: what is allowed is reviewed like code.
FILE: Final = Path("deploy") / "leaks-allowed.yaml"
_HEX: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """One exception: a value (first 16 hex digits of its SHA-256) of a rule, below a path."""

    rule: str
    path: str
    sha256: str
    reason: str


def read_allowed(path: Path) -> tuple[Allowed, ...]:
    """The list; empty without a file. Raises Invalid for an entry that is not whole."""
    if not path.exists():
        return ()
    # `Any`: written by people.
    rows: Any = yaml.safe_load(path.read_text()) or []
    try:
        found = tuple(Allowed(**{name: str(value) for name, value in row.items()}) for row in rows)
    except (TypeError, AttributeError) as error:
        raise _wrong(path, str(error)) from error
    for one in found:
        if len(one.reason.split()) < 3 or len(one.sha256) != _HEX:
            raise _wrong(path, f"{one.rule} {one.path}")
    return found


def find_allowed(
    allowed: tuple[Allowed, ...], *, rule: str, path: str, value: bytes | None
) -> Allowed | None:
    """The entry that lets this through; None when none does. Our own secrets are never allowed anywhere."""
    if value is None:
        return None
    digest = hash_value(value)
    return next(
        (one for one in allowed if (one.rule, one.sha256) == (rule, digest) and fnmatch(path, one.path)), None
    )


def hash_value(value: bytes) -> str:
    """How an entry names a value."""
    return hashlib.sha256(value).hexdigest()[:_HEX]


def _wrong(path: Path, said: str) -> Invalid:
    return Invalid(
        Text(
            ja=f"{path} の項目が正しくありません: {said}", en=f"{path} has an entry that is not whole: {said}"
        ),
        hint=Text(
            ja="rule、path、sha256(16 桁)、reason(理由の文)をすべて書いてください。",
            en="Each has rule, path, sha256 (16 hex digits) and reason (a sentence).",
        ),
        code="settings.allowed_wrong",
    )
