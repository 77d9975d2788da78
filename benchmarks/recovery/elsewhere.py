"""What the copy elsewhere costs: looking for news in a vault of 30 days, and sending, over loopback."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, Section
from hrx.ops.recovery.elsewhere import Elsewhere
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.records import KeptSegment
from hrx.ops.recovery.vault import Vault
from hrx.ops.recovery.wal import SEGMENT_BYTES, Segment

#: A segment a minute for 30 days, which archive_timeout makes of a busy system.
_SEGMENTS: Final = 43_200
_FILES: Final = 5_000
_LOOKS: Final = 9


def measure_elsewhere() -> Section:
    """A folder stands for the store: the network is left out, the work on this machine is all there."""
    home = Path(tempfile.mkdtemp(prefix="hrx-bench-elsewhere-"))
    try:
        vault = Vault(folder=Folder(home / "vault"), keyring=create_key(home / "backup.key"))
        _fill(vault)
        copy = Elsewhere(
            vault=vault,
            place=Folder(home / "there"),
            where="there",
            received_dir=home / "received",
            scratch_dir=home / "scratch",
            state_file=home / "elsewhere.json",
        )
        began = time.monotonic()
        copy.copy_once()
        first_s = time.monotonic() - began
        looks = [_timed(copy) for _ in range(_LOOKS)]
        (home / "received").mkdir()
        tails = []
        for number in range(_LOOKS):
            filled = os.urandom(SEGMENT_BYTES // 4) + bytes(SEGMENT_BYTES // 4) + os.urandom(99 + number)
            path = home / "received" / (Segment(1, _SEGMENTS).name + ".partial")
            path.write_bytes(filled.ljust(SEGMENT_BYTES, b"\0"))
            tails.append(_timed(copy))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return Section(
        name="The copy elsewhere",
        notes=(f"{_SEGMENTS:,} segments and {_FILES:,} files in the vault; to a folder on the same disk",),
        figures=[
            Figure(what="first copy, a file", value=1000 * first_s / (_SEGMENTS + _FILES), unit="ms"),
            Figure(what="a look without news, wall", value=_median(looks, 0), unit="ms"),
            Figure(what="a look without news, CPU", value=_median(looks, 1), unit="ms"),
            Figure(what="a half-filled tail sent, wall", value=_median(tails, 0), unit="ms"),
            Figure(what="a half-filled tail sent, CPU", value=_median(tails, 1), unit="ms"),
        ],
    )


def _fill(vault: Vault) -> None:
    now = datetime.now(UTC)
    names = [KeptSegment(segment=Segment(1, number), received_at=now).name for number in range(_SEGMENTS)]
    names += [f"files/t1/kfiles/k{number}" for number in range(_FILES)]
    for name in names:
        path = vault.folder.root / vault.stored_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"sealed")


def _timed(copy: Elsewhere) -> tuple[float, float]:
    wall, cpu = time.monotonic(), time.process_time()
    copy.copy_records()
    copy.copy_rest()
    return 1000 * (time.monotonic() - wall), 1000 * (time.process_time() - cpu)


def _median(found: list[tuple[float, float]], which: int) -> float:
    return statistics.median(one[which] for one in found)
