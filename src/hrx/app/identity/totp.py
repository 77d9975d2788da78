"""The second factor: time-based codes whose secret is sealed at rest, each code good once.

The sealing keys live in the settings, not in the database: a stolen backup alone gives no codes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

import pyotp
import segno
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hrx.app.identity.keys import KeyRing
from hrx.kit import clock

STEP_S: Final = 30
#: Codes of the neighbouring steps are taken too: clocks differ by some seconds.
DRIFT_STEPS: Final = 1
_NONCE_BYTES: Final = 12
_KEY_ID_BYTES: Final = 4
_FORMAT: Final = b"\x01"


class SealBroken(Exception):
    """No key of the ring opens this secret: it was sealed under a key that is gone, or was changed."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals secrets with AES-256-GCM, bound to the account they belong to."""

    ring: KeyRing

    def close(self, secret: str, *, owner: str) -> bytes:
        """The sealed secret; `owner` names the account and must be given again to open it."""
        key = _cipher_key(self.ring.newest)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, secret.encode(), owner.encode())
        return _FORMAT + _key_id(key) + nonce + sealed

    def open(self, sealed: bytes, *, owner: str) -> str:
        """The secret. Raises SealBroken."""
        key_id = sealed[1 : 1 + _KEY_ID_BYTES]
        nonce = sealed[1 + _KEY_ID_BYTES : 1 + _KEY_ID_BYTES + _NONCE_BYTES]
        for key in map(_cipher_key, self.ring.keys):
            if _key_id(key) != key_id:
                continue
            try:
                opened = AESGCM(key).decrypt(
                    nonce, sealed[1 + _KEY_ID_BYTES + _NONCE_BYTES :], owner.encode()
                )
            except InvalidTag as error:
                raise SealBroken("sealed secret does not open") from error
            return opened.decode()
        raise SealBroken("no key for this sealed secret")


def _cipher_key(key: bytes) -> bytes:
    return hashlib.sha256(b"hrx.totp:" + key).digest()


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"id:" + key).digest()[:_KEY_ID_BYTES]


def owner_name(*, tenant_id: int, user_id: int) -> str:
    return f"totp:{tenant_id}:{user_id}"


def new_secret() -> str:
    """160 random bits, as base32."""
    return pyotp.random_base32()


def matching_step(secret: str, code: str) -> int | None:
    """The time step that gives this code now, or None. The caller refuses steps used before."""
    digits = code.replace(" ", "")
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    now_step = int(clock.now().timestamp()) // STEP_S
    generator = pyotp.TOTP(secret, interval=STEP_S)
    matches = [
        step
        for step in range(now_step - DRIFT_STEPS, now_step + DRIFT_STEPS + 1)
        if hmac.compare_digest(generator.generate_otp(step), digits)
    ]
    return max(matches, default=None)


def provisioning_url(secret: str, *, email: str, tenant_name: str) -> str:
    """What an authenticator app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=f"HRX-AI ({tenant_name})")


def qr_svg(url: str) -> str:
    """The QR code as inline SVG."""
    svg: str = segno.make(url, error="m").svg_inline(scale=4, border=2)
    return svg
