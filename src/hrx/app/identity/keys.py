"""Key rings from settings: the newest key works forward, older ones still open what they closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from hrx.kit.errors import Invalid, Text

MIN_KEY_CHARACTERS: Final = 32


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Secret keys, newest first; never empty, never shown."""

    keys: tuple[bytes, ...]

    @property
    def newest(self) -> bytes:
        return self.keys[0]

    def __repr__(self) -> str:
        return f"KeyRing({len(self.keys)} keys)"


def read_key_ring(value: SecretStr, *, variable: str) -> KeyRing:
    """The keys of one setting. Raises Invalid when there is none or one is too short to be a key."""
    keys = tuple(part.strip() for part in value.get_secret_value().split(",") if part.strip())
    if not keys or any(len(key) < MIN_KEY_CHARACTERS for key in keys):
        raise Invalid(
            Text(
                ja=f"{variable} の鍵は {MIN_KEY_CHARACTERS} 文字以上にしてください。",
                en=f"Each key in {variable} needs at least {MIN_KEY_CHARACTERS} characters.",
            ),
            hint=Text(
                ja="python -c 'import secrets; print(secrets.token_urlsafe(48))' で作れます。",
                en="Make one: python -c 'import secrets; print(secrets.token_urlsafe(48))'",
            ),
            code="settings.invalid",
        )
    return KeyRing(tuple(key.encode() for key in keys))
