"""What a look at the vault costs whoever tells how things stand, every few seconds, of 30 days of records."""

from __future__ import annotations

import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.figures import Aim, Figure, Section
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.records import KeptSegment
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standing import read_standing
from hrx.ops.recovery.vault import SUFFIX
from hrx.ops.recovery.wal import Segment
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import find_layout
from hrx.ops.targets.machine.settings import MachineSettings

#: archive_timeout is a minute: so many files in 30 days, however little was written.
SEGMENTS: Final = 43_200
A_LOOK: Final = Aim(bound=20, is_lower_bound=False, unit="ms")
_ROUNDS: Final = 20


def measure_looking() -> Section:
    """CPU time of `read_standing`: the first look, looks at an unchanged vault, looks after a new segment."""
    home = Path(tempfile.mkdtemp(prefix="hrx-bench-looking-"))
    try:
        site = Site(
            settings=OpsSettings(backup_dir=home / "vault", backup_key_file=home / "key"),
            layout=find_layout(MachineSettings(var_dir=home / "var")),
        )
        create_key(site.key_file)
        began = datetime.now(UTC) - timedelta(days=30)
        for number in range(SEGMENTS):
            _put(site, number, began)
        # A folder that was changed just now is not believed.
        time.sleep(2.5)
        first = _cpu_ms(site)
        same = sorted(_cpu_ms(site) for _ in range(_ROUNDS))
        changed = []
        for number in range(SEGMENTS, SEGMENTS + 5):
            _put(site, number, began)
            changed.append(_cpu_ms(site))
        return Section(
            name="A look at a vault of 30 days",
            notes=(f"{SEGMENTS:,} files of change records; CPU of one process",),
            figures=[
                Figure(what="the first look", value=first, unit="ms"),
                Figure(
                    what="nothing changed", value=same[_ROUNDS // 2], unit="ms", aim=A_LOOK, raw={"ms": same}
                ),
                Figure(
                    what="after a new segment",
                    value=sorted(changed)[len(changed) // 2],
                    unit="ms",
                    raw={"ms": changed},
                ),
            ],
        )
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _put(site: Site, number: int, began: datetime) -> None:
    kept = KeptSegment(segment=Segment(1, number), received_at=began + timedelta(minutes=number))
    path = site.backup_dir / (kept.name + SUFFIX)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def _cpu_ms(site: Site) -> float:
    began = time.process_time()
    read_standing(site)
    return (time.process_time() - began) * 1000
