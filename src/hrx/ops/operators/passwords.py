"""Passwords of operators: argon2id, and a rule about length rather than about characters."""

from __future__ import annotations

import functools
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from hrx.kit.errors import Invalid, Text

#: NIST SP 800-63B-4 asks for 15 where a password stands alone; the generated first password has 20.
MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 256
# The library's defaults (RFC 9106, low memory): about 30 ms and 64 MiB a time, and sign-ins are rare.
_HASHER: Final = argon2.PasswordHasher()


def check_strength(password: str, *, name: str) -> None:
    """Raises Invalid when it is too short, too long, or the operator's own name."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Invalid(
            Text(
                ja=f"パスワードは {MIN_LENGTH}〜{MAX_LENGTH} 文字にしてください",
                en=f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters",
            ),
            code="operator.weak_password",
        )
    if name in password.lower() or len(set(password)) < 5:
        raise Invalid(
            Text(
                ja="名前を含むもの、同じ文字の繰り返しは使えません",
                en="A password must not contain the name, nor repeat a few characters",
            ),
            code="operator.weak_password",
        )


def hash_password(password: str) -> str:
    return _HASHER.hash(password)


def is_right(password: str, hashed: str | None) -> bool:
    """Whether the password fits; takes as long when there is no hash (no such operator)."""
    try:
        _HASHER.verify(hashed or _nobodys(), password[:MAX_LENGTH])
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


def get_ready() -> None:
    """For who answers sign-ins: so the first for a name that does not exist takes no longer than others."""
    _nobodys()


@functools.cache
def _nobodys() -> str:
    """Verified when a name does not exist, so that the time taken does not tell names apart. Not made when
    the file is loaded: every command loads it, and hardly one asks for a password."""
    return _HASHER.hash("nobody has this password")
