"""The secrets inside a value: the password of an address, each key of a list, the strings of a JSON document.

Two environments whose database addresses differ may still share the password in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, urlsplit

#: Shorter ones are words that stand everywhere.
MIN_SECRET: Final = 10


def list_inner(value: str) -> tuple[str, ...]:
    """What of this value must be secret, the value itself when nothing is inside it; each once."""
    return tuple(dict.fromkeys(part for part in _split(value.strip()) if len(part) >= MIN_SECRET))


def _split(value: str) -> Iterator[str]:
    if value[:1] in ("[", "{"):
        try:
            yield from _strings(json.loads(value))
        except ValueError:
            yield value
    elif "://" in value:
        password = _password(value)
        if password is not None:
            yield unquote(password)
    elif "," in value:
        yield from (part.strip() for part in value.split(","))
    else:
        yield value


def _password(value: str) -> str | None:
    try:
        return urlsplit(value).password
    except ValueError:
        return None


#: In a document of sign-in providers: what is no address and no public id.
_SECRET_FIELDS: Final = ("secret", "password", "token", "key")


def _strings(document: object, name: str = "") -> Iterator[str]:
    if isinstance(document, dict):
        for field, inner in document.items():
            yield from _strings(inner, str(field))
    elif isinstance(document, list):
        for inner in document:
            yield from _strings(inner, name)
    elif isinstance(document, str) and any(word in name.lower() for word in _SECRET_FIELDS):
        yield document
