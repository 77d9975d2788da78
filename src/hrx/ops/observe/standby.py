"""Whom to call when the plane itself is gone: a small file that the plane keeps true and the probe remembers.

Light on purpose: both sides import it, and one of them must run when little else does. It holds addresses of
people, never a secret; tokens of channels come from each process's own settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import orjson

from hrx.kit import clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One way to somebody: `recipient` is a contact's id or `place:#…`, `channel` a kind of channel."""

    recipient: str
    channel: str
    address: str
    language: Literal["ja", "en"] = "ja"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standby:
    """Everybody to call for a critical incident now, the first to call first."""

    written_at: datetime
    reach: tuple[Reach, ...]


def standby_path(var_dir: Path) -> Path:
    """The file, in a folder that only we can read."""
    return var_dir / "probe" / "on-call.json"


def write_standby(path: Path, reach: tuple[Reach, ...]) -> bool:
    """Write whom to call, atomically, when that changed; gives whether it did."""
    known = read_standby(path)
    if known is not None and known.reach == reach:
        return False
    document = {
        "written_at": clock.now().isoformat(),
        "reach": [
            {
                "recipient": one.recipient,
                "channel": one.channel,
                "address": one.address,
                "language": one.language,
            }
            for one in reach
        ],
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.new")
    draft.touch(mode=0o600)
    draft.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    draft.replace(path)
    return True


def read_standby(path: Path) -> Standby | None:
    """What was written last; None when there is nothing that can be read."""
    try:
        return _read(orjson.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


# `Any`: JSON that is being judged; a wrong shape raises and counts as unreadable.
def _read(found: Mapping[str, Any]) -> Standby:
    return Standby(
        written_at=datetime.fromisoformat(found["written_at"]),
        reach=tuple(
            Reach(
                recipient=str(one["recipient"]),
                channel=str(one["channel"]),
                address=str(one["address"]),
                language="en" if one.get("language") == "en" else "ja",
            )
            for one in found["reach"]
        ),
    )


def extra_targets_path(var_dir: Path) -> Path:
    """What the probe watches besides its settings; drills write the file, the probe reads it again."""
    return standby_path(var_dir).with_name("extra-targets.json")
