"""Free disk space: a start is refused without it, for a database on a full disk stops in mid-work.

What happens on a full disk later: PostgreSQL refuses the writing statement (the API answers 503 and names
it), crashes rather than lose a commit when even its log cannot be written, and recovers by itself once there
is room. Redis keeps serving from memory. Logs stop growing at their rotation size."""

from __future__ import annotations

import shutil
from pathlib import Path

from hrx.kit.errors import Refused, Text

_MIB = 1024 * 1024


def require_free_space(folder: Path, *, min_free_bytes: int) -> None:
    """Raises Refused when the file system below `folder` has less room than that."""
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if free >= min_free_bytes:
        return
    need, have = min_free_bytes // _MIB, free // _MIB
    raise Refused(
        Text(
            ja=f"{folder} の空き容量が足りません(空き {have} MiB、必要 {need} MiB)。",
            en=f"Not enough disk space for {folder}: {have} MiB free, {need} MiB needed.",
        ),
        hint=Text(
            ja="空きを作るか、HRX_VAR_DIR で別のディスクを指定してください。",
            en="Free some space, or name a folder on another disk: `HRX_VAR_DIR=/other/disk/hrx make up`.",
        ),
        code="disk.full",
    )
