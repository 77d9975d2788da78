"""Identifiers that are made rather than stored: correlation ids, tokens, digests."""

from __future__ import annotations

import hashlib
import re
import secrets

_CORRELATION = re.compile(r"^[A-Za-z0-9_-]{8,64}$")


def new_correlation_id() -> str:
    """32 hex digits; the same shape as a W3C trace id, so that one id serves logs, SQL and traces."""
    return secrets.token_hex(16)


def accept_correlation_id(offered: str | None) -> str:
    """The caller's id when it is harmless to log (8-64 of A-Z a-z 0-9 _ -), else a new one.

    Anything else could forge log lines or SQL comments."""
    if offered and _CORRELATION.match(offered):
        return offered
    return new_correlation_id()


def new_token() -> str:
    """256 random bits, URL-safe; what a browser holds as its session."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """SHA-256 of a random token, for storing and looking it up.

    Right only for secrets with full entropy; passwords go through argon2."""
    return hashlib.sha256(secret.encode()).digest()
