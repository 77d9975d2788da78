"""Passwords: argon2id, in threads, a few at a time, and as slow for nobody as for somebody."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hrx.kit.errors import FieldProblem, Invalid, Text

MIN_CHARACTERS: Final = 10
#: Longer input would only cost time.
MAX_CHARACTERS: Final = 200
# OWASP's second recommendation for argon2id: 19 MiB, two passes, one lane; about 20 ms here.
_MEMORY_KIB: Final = 19_456
_PASSES: Final = 2
#: Verifications at once: each takes a core, and 19 MiB.
_AT_ONCE: Final = 2
#: Beginnings that guessing programs try first.
_COMMON: Final = (
    "password", "passw0rd", "12345678", "qwerty", "iloveyou", "letmein", "welcome", "admin123", "abc123",
    "1q2w3e4r", "asdfghjk", "sakura", "nihon",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passwords:
    """Hashes and verifies. One for each process, because it limits how many run at once."""

    _hasher: PasswordHasher = field(
        default_factory=lambda: PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=1)
    )
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _nobody: list[str] = field(default_factory=list)

    async def hash(self, password: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, normalize(password))

    async def is_right(self, password: str, *, hashed: str | None) -> bool:
        """Whether the password fits; with no hash it takes as long and is never right.

        Otherwise the time of an answer would tell which accounts exist."""
        if hashed is None:
            await self._verify(password, await self._hash_of_nobody())
            return False
        return await self._verify(password, hashed)

    def is_outdated(self, hashed: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    async def _verify(self, password: str, hashed: str) -> bool:
        async with self._slots:
            return await asyncio.to_thread(self._verify_now, normalize(password), hashed)

    def _verify_now(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _hash_of_nobody(self) -> str:
        if not self._nobody:
            self._nobody.append(await self.hash(secrets.token_urlsafe(16)))
        return self._nobody[0]


def normalize(password: str) -> str:
    """NFKC: the same keys pressed on another device or input method give the same password."""
    return unicodedata.normalize("NFKC", password[: MAX_CHARACTERS * 4])


def check_strength(password: str, *, email: str, field_name: str) -> None:
    """Raises Invalid naming the field when a password is too easy to guess."""
    normalized = normalize(password)
    problem = _weakness(normalized, email=email)
    if problem is not None:
        raise Invalid(
            problem,
            code="password.weak",
            fields=(FieldProblem(field=field_name, code="password.weak", message=problem),),
        )


def _weakness(password: str, *, email: str) -> Text | None:
    if len(password) < MIN_CHARACTERS:
        return Text(
            ja=f"パスワードは {MIN_CHARACTERS} 文字以上にしてください。",
            en=f"A password needs at least {MIN_CHARACTERS} characters.",
        )
    if len(password) > MAX_CHARACTERS:
        return Text(
            ja=f"パスワードは {MAX_CHARACTERS} 文字以内にしてください。",
            en=f"A password has at most {MAX_CHARACTERS} characters.",
        )
    lowered = password.lower()
    local_part = email.split("@", 1)[0]
    if (
        len(set(password)) < 5
        or lowered.startswith(_COMMON)
        or (len(local_part) > 3 and local_part in lowered)
    ):
        return Text(
            ja="推測されやすいパスワードです。別のものにしてください。",
            en="This password is easy to guess. Please choose another.",
        )
    return None


def new_initial_password() -> str:
    """A password for a new account, handed over once: 20 characters, 100 bits."""
    alphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"
    return "".join(secrets.choice(alphabet) for _ in range(20))
