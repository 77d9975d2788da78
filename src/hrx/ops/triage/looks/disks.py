"""Checks of our disks: how much is free, and who takes it."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hrx.kit.errors import HrxError, Text
from hrx.ops.check import Fact
from hrx.ops.seams.postgres import DatabaseRefused, read_rows
from hrx.ops.targets.machine.usage import list_volumes, places_of
from hrx.ops.triage.eyes import Eyes
from hrx.ops.triage.growth import ELSEWHERE, TEMPORARY, Sizes, measure_places, oldest_of
from hrx.ops.triage.looking import CheckSpec, Seen
from hrx.ops.triage.looks import database_sql as sql

_GIB: Final = 1024**3
_MIB: Final = 1024**2
_ASK_S: Final = 1.5
#: Less than this is no growth that fills a disk.
_GROWS_BYTES: Final = 64 * _MIB
#: One statement whose temporary files are this large is worth ending while room is short.
_LARGE_TEMPORARY_BYTES: Final = _GIB
_OF_SESSION: Final = re.compile(r"^pgsql_tmp(\d+)\.")


def _look_at_disks(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    """The fullest of the disks that the rule on disks watches, counted as it counts."""
    var = eyes.plane.settings.var_dir.resolve()
    volumes = list_volumes(places_of(var))
    if not volumes:
        return Seen(facts={})
    fullest = min(volumes, key=lambda one: one.free_ratio)
    # A full place for temporary files is a trouble of its own: it is told, and blames no disk of ours.
    temporary = list_volumes({"temporary": Path(tempfile.gettempdir())})
    facts: dict[str, Fact] = {
        "free_ratio": round(fullest.free_ratio, 4),
        "free_gb": round(fullest.available_bytes / _GIB, 2),
        "volume": fullest.name,
        "temporary_free_ratio": round(temporary[0].free_ratio, 4) if temporary else None,
        "log_mb": round(_size_of(var / "log") / 1_048_576, 1),
    }
    lines = [
        f"{one.name} {one.available_bytes / _GIB:.2f} of {one.capacity_bytes / _GIB:.2f} GiB free"
        for one in (*volumes, *temporary)
    ]
    return Seen(facts=facts, raw="\n".join(lines))


def _size_of(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    except OSError:
        return 0


def _look_at_growth(eyes: Eyes, _params: Mapping[str, str], timeout_s: float) -> Seen:
    var = eyes.plane.settings.var_dir.resolve()
    now = measure_places(var, within_s=timeout_s * 0.6)
    if now is None:
        return Seen(facts={}, raw="the walk was not over in time")
    ours = {name: size for name, size in now.places.items() if name != ELSEWHERE}
    largest = max(ours, key=lambda name: ours[name], default=None)
    facts: dict[str, Fact] = {
        "largest": largest,
        "largest_gb": round(ours[largest] / _GIB, 2) if largest else None,
        "temporary_gb": round(now.places.get(TEMPORARY, 0) / _GIB, 2),
    }
    facts |= _growth(now, oldest_of(var)) | _temporary(eyes, var)
    lines = [
        f"{name} {size / _MIB:.1f} MiB" for name, size in sorted(now.places.items(), key=lambda one: -one[1])
    ]
    return Seen(facts=facts, raw="\n".join(lines))


def _growth(now: Sizes, before: Sizes | None) -> dict[str, Fact]:
    """What grew the most since the oldest look; nothing without one."""
    if before is None or before.volume != now.volume or now.at_s - before.at_s < 1:
        return {}
    over_min = (now.at_s - before.at_s) / 60
    grown = {name: size - before.places.get(name, 0) for name, size in now.places.items()}
    most = max(grown, key=lambda name: grown[name])
    lost = before.available_bytes - now.available_bytes
    return {
        "over_min": round(over_min, 1),
        "grown_most": most if grown[most] >= _GROWS_BYTES else None,
        "grown_gb": round(grown[most] / _GIB, 2),
        "full_in_min": round(now.available_bytes / (lost / over_min), 1) if lost >= _GROWS_BYTES else None,
    }


def _temporary(eyes: Eyes, var: Path) -> dict[str, Fact]:
    """The session whose temporary files take the most: PostgreSQL names each after its process."""
    sizes: Counter[int] = Counter()
    for folder, _, names in os.walk(var / "postgres" / "base" / "pgsql_tmp"):
        for name in names:
            owner = _OF_SESSION.match(name) or _OF_SESSION.match(Path(folder).name)
            try:
                size = os.stat(Path(folder) / name).st_blocks * 512
            except OSError:
                continue
            if owner:
                sizes[int(owner.group(1))] += size
    (pid, size) = sizes.most_common(1)[0] if sizes else (None, 0)
    facts: dict[str, Fact] = {"is_temporary": size >= _LARGE_TEMPORARY_BYTES}
    if pid is not None and facts["is_temporary"]:
        facts |= {"temporary_pid": pid, "temporary_started": _started(eyes, pid)}
    return facts


def _started(eyes: Eyes, pid: int) -> str | None:
    """When that session began, by which it is told from a later one of the same number."""
    url = eyes.plane.settings.ops_database_url
    if url is None:
        return None
    try:
        rows = read_rows(url.get_secret_value(), sql.STATEMENTS, timeout_s=_ASK_S)
    except (DatabaseRefused, HrxError):
        return None
    return next((str(row["started"]) for row in rows if int(row["pid"]) == pid), None)


CHECKS: Final = (
    CheckSpec(
        id="disk.free",
        title=Text(ja="ディスクの空き", en="Free disk space"),
        asks=Text(
            ja="データ、記録、一時フォルダの空きを測る",
            en="Measures room for data, logs and temporary files",
        ),
        facts=("free_ratio", "free_gb", "volume", "temporary_free_ratio", "log_mb"),
        timeout_s=3,
        look=_look_at_disks,
    ),
    CheckSpec(
        id="disk.growth",
        title=Text(ja="ディスクを使っているもの", en="What takes the disk"),
        asks=Text(
            ja="データのフォルダーの大きさを測り、この 1 時間ほどの増え方を比べる",
            en="Measures our folders and compares them with what they were within the last hour",
        ),
        facts=(
            "largest", "largest_gb", "grown_most", "grown_gb", "over_min", "full_in_min", "is_temporary",
            "temporary_gb", "temporary_pid", "temporary_started",
        ),
        timeout_s=5,
        look=_look_at_growth,
    ),
)  # fmt: skip
