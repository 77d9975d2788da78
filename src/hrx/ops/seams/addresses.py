"""Addresses of people as operations keep them: to be told apart, never to be called."""

from __future__ import annotations

import hashlib


def shorten_address(address: str) -> str:
    """An address that can be told apart but not called: its network, and a short digest."""
    digest = hashlib.sha256(address.encode()).hexdigest()[:8]
    if ":" in address:
        return f"{':'.join(address.split(':')[:3])}::/48#{digest}"
    return f"{'.'.join(address.split('.')[:3])}.x#{digest}"
