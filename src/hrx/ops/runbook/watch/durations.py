"""Durations as people write them in content: `2s`, `90s`, `5m`, `6h`, `30d`."""

from __future__ import annotations

import re
from typing import Final

from hrx.ops.runbook.reading import Node, wrong

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def read_duration(node: Node, key: str, *, default: int | None = None) -> int:
    """The seconds under `key`. Raises ContentWrong when it is missing without a default, or malformed."""
    if key not in node.values and default is not None:
        return default
    found = re.fullmatch(r"(\d+)([smhd])", str(node.values.get(key, "")))
    if found is None:
        raise wrong(f"{node.place}.{key}", "must be a duration such as 2s, 5m, 6h or 30d")
    return int(found.group(1)) * _UNITS[found.group(2)]


def to_promql(seconds: float) -> str:
    """The same in PromQL's words: the largest unit without a remainder."""
    whole = round(seconds)
    for unit in ("d", "h", "m"):
        if whole and whole % _UNITS[unit] == 0:
            return f"{whole // _UNITS[unit]}{unit}"
    return f"{whole}s"
