"""Sealing small things: for ourselves with a key, or for somebody whose public key we have.

What is sealed for a public key can be opened by its owner only, not by whoever sealed it: a process that
takes in addresses need not be able to read them back."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hrx.kit.errors import Invalid, Text

_NONCE: Final = 12
_PUBLIC: Final = 32


class NotOpened(Invalid):
    """It was sealed with another key, or changed since."""

    code = "sealing.not_opened"

    def __init__(self) -> None:
        super().__init__(Text(ja="封を開けられません", en="It cannot be opened"))


def derive(secret: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose; keys of two purposes say nothing about each other."""
    hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode())
    return hkdf.derive(secret.encode())


def seal(key: bytes, plain: bytes, *, about: str) -> bytes:
    """Sealed with our own key; `about` must be given again to open it, so that seals cannot be swapped."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, about.encode())


def unseal(key: bytes, sealed: bytes, *, about: str) -> bytes:
    """Raises NotOpened."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode())
    except (InvalidTag, ValueError) as error:
        raise NotOpened from error


def public_of(private: bytes) -> bytes:
    """The public key that belongs to a private one of 32 bytes."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal_for(public: bytes, plain: bytes, *, about: str) -> bytes:
    """Sealed for the owner of a public key (X25519, HKDF, AES-GCM, a new key for each seal)."""
    once = X25519PrivateKey.generate()
    mine = once.public_key().public_bytes_raw()
    shared = once.exchange(X25519PublicKey.from_public_bytes(public))
    return mine + seal(_mix(shared, mine, public), plain, about=about)


def open_sealed(private: bytes, sealed: bytes, *, about: str) -> bytes:
    """Raises NotOpened."""
    try:
        own = X25519PrivateKey.from_private_bytes(private)
        theirs = sealed[:_PUBLIC]
        shared = own.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError as error:
        raise NotOpened from error
    key = _mix(shared, theirs, own.public_key().public_bytes_raw())
    return unseal(key, sealed[_PUBLIC:], about=about)


def tag(key: bytes, said: str) -> str:
    """Half a SHA-256 HMAC in hex: enough that nobody guesses it."""
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()[:32]


def is_same(one: str, other: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def _mix(shared: bytes, once: bytes, public: bytes) -> bytes:
    hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=once + public, info=b"hrx-seal")
    return hkdf.derive(shared)
