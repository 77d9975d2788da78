"""Faults of the machine under the parts: its disk fills up, by a real file beside our data.

The file's blocks are reserved, never written, so that it comes and goes within a second. It stays far from
what would do harm: room for everything else is left, and nothing that others keep is removed for it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import tempfile
from pathlib import Path
from typing import Final

import psutil

from hrx.kit.errors import Refused, Text, Unavailable
from hrx.ops.drills.faults.fault import FaultSpec, Let, Memo, Params, not_here, nothing_held
from hrx.ops.drills.ground import Ground
from hrx.ops.targets.machine.usage import list_volumes

_GIB: Final = 1024**3
#: What a drill leaves free, whatever it was asked for: a start needs 1 GiB, evidence 0.3 GB.
LEAVE_BYTES: Final = 4 * _GIB
MOST_BYTES: Final = 120 * _GIB
#: So much above the point at which the log archive would remove its oldest days for room.
_ARCHIVE_MARGIN_BYTES: Final = _GIB
_STEP_BYTES: Final = _GIB
_FILE: Final = "filling"
#: Here a file takes memory instead of a disk: another fault, and a worse one.
_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})


def _refuse(ground: Ground, params: Params) -> None:
    _refuse_slow_or_memory(ground.layout.var)
    _find_size(ground, params)


def _prepare(ground: Ground, params: Params) -> Memo:
    return {"path": str(_file(ground)), "size_bytes": _find_size(ground, params)}


def _find_size(ground: Ground, params: Params) -> int:
    """How many bytes must be taken so that `free_ratio` of the disk is left; as the rule counts it.

    Raises Refused when that cannot be done safely here."""
    (volume,) = list_volumes({"data": ground.layout.var})
    left = int(float(params["free_ratio"]) * volume.capacity_bytes)
    if left < LEAVE_BYTES:
        raise not_here(
            ja=f"訓練で残す {_say(left)} は、下限の {_say(LEAVE_BYTES)} を下回ります。",
            en=f"The drill would leave {_say(left)}; it may not leave less than {_say(LEAVE_BYTES)}.",
            do_ja="もっと大きなディスクに HRX_VAR_DIR を置いた機械で実施してください。",
            do_en="Run it on a machine whose HRX_VAR_DIR lies on a larger disk.",
        )
    keeps = ground.plane.settings.log_min_free_bytes + _ARCHIVE_MARGIN_BYTES
    if left < keeps:
        raise not_here(
            ja=f"訓練で残す {_say(left)} では、ログの保管庫が古い日を消し始めます。",
            en=f"With {_say(left)} left, the archive of logs would begin to remove its oldest days.",
            do_ja=f"HRX_LOG_MIN_FREE_BYTES を {_say(left - _ARCHIVE_MARGIN_BYTES)} 以下にしてください。",
            do_en=f"Set HRX_LOG_MIN_FREE_BYTES to {_say(left - _ARCHIVE_MARGIN_BYTES)} or less.",
        )
    size = volume.available_bytes - left
    if size <= 0:
        raise not_here(
            ja=f"空きはすでに {_say(volume.available_bytes)} しかありません。",
            en=f"Only {_say(volume.available_bytes)} is free as it is.",
            do_ja="訓練の前に、ディスクの空きを作ってください。",
            do_en="Make room on the disk before the drill.",
        )
    if size > MOST_BYTES:
        raise not_here(
            ja=f"{_say(size)} を確保する必要がありますが、訓練では {_say(MOST_BYTES)} までです。",
            en=f"It would take {_say(size)}; a drill takes at most {_say(MOST_BYTES)}.",
            do_ja="空きがもっと少ないディスクの機械で実施してください。",
            do_en="Run it on a machine whose disk has less room.",
        )
    return size


def _refuse_slow_or_memory(folder: Path) -> None:
    """Raises Refused where room cannot be reserved at once, or is no disk's."""
    kind = _file_system_of(folder)
    if kind in _IN_MEMORY:
        raise not_here(
            ja=f"{folder} はメモリー上のファイルシステム({kind})です。",
            en=f"{folder} is a file system in memory ({kind}).",
            do_ja="HRX_VAR_DIR をディスク上のフォルダーにしてください。",
            do_en="Put HRX_VAR_DIR on a disk.",
        )
    with tempfile.TemporaryFile(dir=folder) as probe:
        if not _reserves(probe.fileno()):
            raise not_here(
                ja=f"{folder} のファイルシステムは領域の予約(fallocate)ができません。",
                en=f"The file system of {folder} cannot reserve room (fallocate).",
                do_ja="ext4 や XFS のディスクで実施してください。ゼロを書いて埋めることはしません。",
                do_en="Run it on a disk with ext4 or XFS. The drill never fills a disk by writing zeros.",
            )


def _file_system_of(folder: Path) -> str:
    """The kind of file system under a folder; empty when nobody tells."""
    at = folder.resolve()
    kinds = {Path(one.mountpoint): one.fstype for one in psutil.disk_partitions(all=True)}
    return next((kinds[parent] for parent in (at, *at.parents) if parent in kinds), "")


def _reserves(descriptor: int) -> bool:
    """Whether the kernel itself reserves blocks here: `os.posix_fallocate` would write zeros instead."""
    reserve = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if reserve is None:
        return False
    reserve.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long)
    return int(reserve(descriptor, 0, 0, 4096)) == 0


def _fill(ground: Ground, _params: Params, memo: Memo) -> Let:
    path, size = _file(ground), int(str(memo["size_bytes"]))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            _reserve(ground, descriptor, size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Unavailable(
            Text(
                ja=f"ディスクを埋められません({error.strerror})",
                en=f"The disk cannot be filled ({error.strerror})",
            ),
            hint=Text(ja=f"{path.parent} を確かめてください。", en=f"Look at {path.parent}."),
            code="drill.disk_not_filled",
        ) from error
    return nothing_held


def _reserve(ground: Ground, descriptor: int, size: int) -> None:
    at = 0
    while at < size:
        step = min(_STEP_BYTES, size - at)
        # Others write meanwhile: what was safe when it was planned is looked at again before each step.
        (volume,) = list_volumes({"data": ground.layout.var})
        if volume.available_bytes - step < LEAVE_BYTES:
            raise Refused(
                Text(
                    ja="訓練の間に、ほかの書き込みで空きが減りました",
                    en="Others took room on the disk while the drill filled it",
                ),
                hint=Text(ja="落ち着いてからもう一度実施してください。", en="Try again when that is over."),
                code="drill.disk_shrinks",
            )
        os.posix_fallocate(descriptor, at, step)
        at += step


def _empty(ground: Ground, _params: Params, _memo: Memo) -> None:
    # Only ever this one file of ours, whatever a memo says.
    _file(ground).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        _file(ground).parent.rmdir()


def _file(ground: Ground) -> Path:
    return ground.layout.drill / _FILE


def _say(size_bytes: int) -> str:
    return f"{size_bytes / _GIB:.1f} GiB"


FAULTS: Final = (
    FaultSpec(
        id="machine.disk",
        title=Text(ja="ディスクを埋める", en="Fill the disk"),
        refuse=_refuse,
        prepare=_prepare,
        inject=_fill,
        undo=_empty,
    ),
)
