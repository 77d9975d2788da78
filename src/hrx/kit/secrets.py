"""What must never be shown: recognising and masking secrets in text and mappings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

MASK: Final = "••••••"

_SECRET_KEY = re.compile(
    r"(password|passwd|secret|token|api[_-]?key|authorization|cookie|private[_-]?key|totp|credential)", re.I
)
# user:password@host in any URL, the forms that credentials take in logs and tracebacks. A run of letters is
# begun at once and at its beginning: a line is somebody's input, and must not cost the square of its length.
_URL_CREDENTIAL = re.compile(r"(?P<scheme>(?<![a-z0-9+.-])[a-z0-9+.-]+://[^\s:/@]*):[^\s@/]+@", re.I)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.I)
_HEADER = re.compile(r"(?P<key>\b(?:set-)?cookie\s*:\s*)[^\s\"'][^\r\n\"']*", re.I)
# `password=…`, `"api-key": "…"` and `'token': '…'` as programs print them, in JSON within JSON, too.
_PAIR = re.compile(
    r"(?P<key>(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|cookie|credentials?|authorization)"
    r"\\?[\"']?\s*[=:]\s*)(?:(?P<open>\\?[\"'])(?:(?!(?P=open)).)*|[^\s,;&\"'\\][^\s,;&\"']*)",
    re.I,
)


def list_accepted(value: str) -> tuple[str, ...]:
    """What counts of a secret that may be a list, newest first, separated by commas; empty places count not.

    While one is rotated both are accepted; whoever sends uses the first."""
    return tuple(part for part in (part.strip() for part in value.split(",")) if part)


def newest(value: str) -> str:
    """What is sent or signed with: the first of the list; empty for an empty one."""
    return next(iter(list_accepted(value)), "")


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds something that must not be shown."""
    return _SECRET_KEY.search(name) is not None


def mask_text(text: str) -> str:
    """The text with credentials in URLs, bearer tokens, cookies and `password=…` pairs masked."""
    text = _URL_CREDENTIAL.sub(rf"\g<scheme>:{MASK}@", text)
    text = _HEADER.sub(rf"\g<key>{MASK}", _BEARER.sub(rf"\1 {MASK}", text))
    return _PAIR.sub(_mask_pair, text)


def _mask_pair(found: re.Match[str]) -> str:
    # `Authorization: Bearer …` was masked before, and who reads it wants to know that it was there.
    if found.group().endswith(("Bearer", "Basic", "bearer", "basic")):
        return found.group()
    return f"{found['key']}{found['open'] or ''}{MASK}"


def mask_mapping(values: Mapping[str, object]) -> dict[str, object]:
    """A copy with every value under a secret-sounding key masked, nested mappings and lists included."""
    return {key: MASK if is_secret_name(key) else _mask_value(value) for key, value in values.items()}


def _mask_value(value: object) -> object:
    if isinstance(value, Mapping):
        return mask_mapping({str(key): item for key, item in value.items()})
    if isinstance(value, list | tuple):
        return [_mask_value(item) for item in value]
    return mask_text(value) if isinstance(value, str) else value
