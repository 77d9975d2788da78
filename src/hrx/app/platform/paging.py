"""Keyset pages: a cursor says after which row the next page begins.

Cursors are signed, so that a page never starts where the list's own filters would not have led, and carry
the name of their list, so that one list's cursor is not another's. They hold sort keys, not secrets."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import orjson
from fastapi import Query

from hrx.kit.errors import FieldProblem, Invalid, Text

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
_SIGNATURE_BYTES: Final = 12

CursorParam = Annotated[
    str | None, Query(max_length=1000, description="`next_cursor` of the page before; absent for the first.")
]
LimitParam = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows of one page.")]

Key = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class CursorSigner:
    """Makes and reads cursors. `keys` are the session keys, newest first: the first signs, all are read."""

    keys: tuple[bytes, ...]

    def sign(self, *, listing: str, after: Sequence[Key]) -> str:
        """The cursor of the page after the row whose sort keys are `after`; `listing` names the list."""
        payload = orjson.dumps([listing, list(after)])
        return _encode(_mac(self.keys[0], payload) + payload)

    def read(self, cursor: str, *, listing: str) -> list[Key]:
        """The sort keys in a cursor. Raises Invalid when it is forged, damaged or another list's."""
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            raise _invalid() from None
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not any(hmac.compare_digest(_mac(key, payload), signature) for key in self.keys):
            raise _invalid()
        name, after = orjson.loads(payload)
        if name != listing:
            raise _invalid()
        keys: list[Key] = after
        return keys


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, b"cursor:" + payload, hashlib.sha256)[:_SIGNATURE_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _invalid() -> Invalid:
    message = Text(ja="ページ位置が正しくありません。", en="The page cursor is not valid.")
    return Invalid(
        message,
        code="cursor.invalid",
        hint=Text(ja="一覧を最初から開き直してください。", en="Open the list from its first page."),
        fields=(FieldProblem(field="cursor", code="cursor.invalid", message=message),),
    )
