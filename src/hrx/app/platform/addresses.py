"""From where somebody asks, in the size that limits count by."""

from __future__ import annotations

import ipaddress


def network_of(address: str | None) -> str:
    """IPv4 as it is, IPv6 as its /64: one household has billions of IPv6 addresses."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
