"""Bringing a moment back beside the living system: its own directory, its own port, read-only until somebody
switches to it. The living server is not touched, and the copy cannot write into anybody's archive.

Every step may be killed and begun again: the directory carries a mark until it is whole, and a directory with
that mark is emptied first."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, cast

from hrx.kit import clock
from hrx.kit.errors import Refused, Text, Unavailable
from hrx.ops.recovery.basebackup import BaseBackup, read_manifest_of
from hrx.ops.recovery.copy_server import Ground, ask_copy, configure, holds_locks, open_read_only
from hrx.ops.recovery.manifest import Algorithm, check_files, read_manifest
from hrx.ops.recovery.planning import RestorePlan
from hrx.ops.recovery.records import fetch_segment, history_name, list_histories, partial_of
from hrx.ops.recovery.tarring import unpack
from hrx.ops.recovery.vault import BackupFileDamaged, Vault
from hrx.ops.recovery.visibility import clear_stale_marks
from hrx.ops.recovery.wal import SEGMENT_BYTES, Segment, address_of, format_lsn, parse_lsn
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.postgres import PostgresCluster

_MARK: Final = "restoring"
_POLL_S: Final = 0.1
#: What PostgreSQL writes into a directory beyond the copy, and room to work in.
_SPARE_BYTES: Final = 256 * 1024 * 1024
_COPY_CHUNK: Final = 1 << 20


class NotEnoughRoom(Refused):
    """The disk would be full before the copy is whole."""

    code = "recovery.not_enough_room"


class RestoreFailed(Unavailable):
    """The copy did not come up at the moment that was asked for."""

    code = "recovery.restore_failed"


class RestoreIncomplete(Refused):
    """The copy came up short of what is known to exist."""

    code = "recovery.restore_incomplete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A copy that runs read-only. Seconds by stage; `last_commit_at` is the newest transaction in it."""

    cluster: PostgresCluster
    reached: int
    last_commit_at: datetime | None
    seconds: dict[str, float]


#: Told when a stage begins: fetch, combine, check, records, replay.
OnStage = Callable[[str], None]


#: Puts the data directory of a chain's newest backup into a folder, every file checked.
FetchBase = Callable[[Sequence[BaseBackup], Path], None]


def restore_beside(
    vault: Vault,
    plan: RestorePlan,
    ground: Ground,
    *,
    timeout_s: float,
    on_stage: OnStage | None = None,
    fetch_base: FetchBase | None = None,
) -> Restored:
    """A running, read-only copy at the planned moment. `fetch_base`: where the base is not in the vault.

    Raises NotEnoughRoom, BackupFileDamaged, FileNotThere, RestoreFailed, RestoreIncomplete; the directory is
    left as it is then, for a look, and is emptied by the next try."""
    seconds = _Stages(on_stage)
    _begin(ground, plan)
    if fetch_base is not None:
        with _timed(seconds, "fetch"):
            _hand_over(ground)
            fetch_base(plan.chain, ground.cluster.data_dir)
    else:
        _bring_base(vault, plan, ground, seconds)
    with _timed(seconds, "records"):
        _fetch_records(vault, plan, ground)
    configure(plan, ground)
    with _timed(seconds, "replay"):
        ground.cluster.start(timeout_s=timeout_s)
        reached = _wait_until_there(plan, ground, timeout_s=timeout_s)
    row = ask_copy(ground.cluster, "SELECT pg_last_xact_replay_timestamp()")
    if holds_locks(ground.cluster):
        open_read_only(ground.cluster)
    (ground.directory / _MARK).unlink()
    return Restored(
        cluster=ground.cluster,
        reached=reached,
        last_commit_at=cast("datetime | None", row[0]) if row else None,
        seconds=dict(seconds),
    )


def _bring_base(vault: Vault, plan: RestorePlan, ground: Ground, seconds: _Stages) -> None:
    with _timed(seconds, "fetch"):
        copies = [_fetch(vault, one, ground.directory / one.id) for one in plan.chain]
    with _timed(seconds, "combine"):
        _combine(copies, ground)
    with _timed(seconds, "check"):
        _check_copy(vault, plan, ground)
        if len(plan.chain) > 1:
            clear_stale_marks(ground.cluster.data_dir)


def _hand_over(ground: Ground) -> None:
    """Somebody else's program runs as the server's user, and must be able to write."""
    data = ground.cluster.data_dir
    data.mkdir(mode=0o700)
    users.give_to(data, user=ground.run_as, mode=0o700)


def remove_copy(ground: Ground) -> None:
    """Stop it and remove its directory; harmless when there is none."""
    if (ground.directory / "data" / "PG_VERSION").exists():
        ground.cluster.stop(mode="immediate")
    shutil.rmtree(ground.directory, ignore_errors=True)
    with suppress(OSError):
        ground.socket_dir.rmdir()


def _begin(ground: Ground, plan: RestorePlan) -> None:
    directory = ground.directory
    if directory.exists() and any(directory.iterdir()) and not (directory / _MARK).exists():
        raise Refused(
            Text(
                ja=f"{directory} には別のものがあります。上書きしません。",
                en=f"{directory} holds something else, which is not overwritten.",
            ),
            hint=Text(ja="空のフォルダーを指定します。", en="Name an empty folder."),
            code="recovery.directory_in_use",
        )
    remove_copy(ground)
    directory.mkdir(parents=True, mode=0o755)
    (directory / _MARK).touch()
    if not ground.socket_dir.exists():
        ground.socket_dir.mkdir(parents=True, mode=0o700)
        users.give_to(ground.socket_dir, user=ground.run_as, mode=0o700)
    needed = plan.data_bytes + (len(plan.segments) + 1) * SEGMENT_BYTES + _SPARE_BYTES
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise NotEnoughRoom(
            Text(
                ja=f"空きが足りません。必要 {needed / 1e9:.1f} GB、空き {free / 1e9:.1f} GB",
                en=f"Not enough room: {needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free",
            ),
            hint=Text(
                ja="空きを作るか、`--directory` で別のディスクを指定します。",
                en="Make room, or name another disk with `--directory`.",
            ),
        )


def _fetch(vault: Vault, backup: BaseBackup, into: Path) -> Path:
    """Unpack one backup as it is decrypted; nothing is kept between."""
    into.mkdir(mode=0o700)
    read_end, write_end = os.pipe()
    with suppress(OSError):
        # Linux's own size of 64 KiB would wake the two sides sixteen times a block.
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _COPY_CHUNK)
    failures: list[BaseException] = []

    def pour() -> None:
        try:
            with os.fdopen(write_end, "wb") as pipe:
                digest = vault.read_into(backup.tar_name, pipe)
            if digest != backup.sha256:
                raise _swapped(backup)
        # Whatever it is, it is raised where somebody waits for it.
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    pouring = threading.Thread(target=pour, name="fetch-backup", daemon=True)
    pouring.start()
    try:
        try:
            unpack(read_end, into)
        except tarfile.TarError as error:
            failures.append(error)
        while os.read(read_end, _COPY_CHUNK):
            pass
    finally:
        os.close(read_end)
        pouring.join()
    for failure in failures:
        if isinstance(failure, tarfile.TarError):
            raise _swapped(backup) from failure
        raise failure
    return into


def _combine(copies: Sequence[Path], ground: Ground) -> None:
    """One directory out of a full backup and its increments; the inputs are ours to spend, so files are
    linked."""
    data = ground.cluster.data_dir
    if len(copies) == 1:
        copies[0].rename(data)
        return
    argv = [
        ground.cluster.program("pg_combinebackup"),
        "--link",
        f"--manifest-checksums={Algorithm.CRC32C}",
        "--no-sync",
    ]
    done = subprocess.run(
        [*argv, "-o", str(data), *map(str, copies)], capture_output=True, text=True, timeout=3600, check=False
    )
    if done.returncode != 0:
        raise RestoreFailed(
            Text(
                ja=f"増分をまとめられません: {done.stderr.strip()[-400:]}",
                en=f"The increments cannot be combined: {done.stderr.strip()[-400:]}",
            )
        )
    for one in copies:
        shutil.rmtree(one)


def _check_copy(vault: Vault, plan: RestorePlan, ground: Ground) -> None:
    """Every file against its list: the backup's own, or that of the combination, which has checked its
    inputs."""
    data = ground.cluster.data_dir
    if len(plan.chain) == 1:
        manifest = read_manifest_of(vault, plan.chain[0])
    else:
        manifest = read_manifest((data / "backup_manifest").read_bytes())
    found = next(check_files(manifest, data), None)
    if found is not None:
        raise BackupFileDamaged(
            Text(
                ja=f"復元した写しの {found.path} が一覧と違います({found.damage})",
                en=f"{found.path} of the copy is not as listed ({found.damage})",
            ),
            hint=Text(ja="ひとつ前のバックアップで試します。", en="Try the backup before it."),
        )


def _fetch_records(vault: Vault, plan: RestorePlan, ground: Ground) -> None:
    """All segments are fetched and looked at before the server starts: it must never meet a hole."""
    folder = ground.directory / "records"
    folder.mkdir(mode=0o755)
    for one in plan.segments:
        path = folder / one.segment.name
        fetch_segment(vault, one, path, received_dir=ground.receiver_dir)
        _check_segment(path, one.segment)
    for timeline in list_histories(vault):
        (folder / f"{timeline:08X}.history").write_bytes(vault.get_bytes(history_name(timeline)))
    if plan.tail is not None and ground.receiver_dir is not None:
        whole = ground.receiver_dir / plan.tail.name
        # It may have been completed between planning and now.
        shutil.copyfile(whole if whole.exists() else partial_of(whole), folder / plan.tail.name)


def _check_segment(path: Path, segment: Segment) -> None:
    """Its size, and the address that its first page says it has."""
    with path.open("rb") as file:
        head = file.read(16)
    if path.stat().st_size != SEGMENT_BYTES or address_of(head) != segment.start:
        raise BackupFileDamaged(
            Text(
                ja=f"変更記録 {segment.name} の中身が名前と違います",
                en=f"Change records {segment.name} are not what their name says",
            ),
            hint=Text(ja="別の場所の写しから取り戻します。", en="Fetch it again from the copy elsewhere."),
        )


def _wait_until_there(plan: RestorePlan, ground: Ground, *, timeout_s: float) -> int:
    """Until replay has stopped at the target, or has read everything. Raises when it ends before."""
    deadline = clock.monotonic_s() + timeout_s
    is_open = plan.target.time is None and plan.target.lsn is None
    reached, still_since = 0, clock.monotonic_s()
    while clock.monotonic_s() < deadline:
        row = ask_copy(
            ground.cluster,
            "SELECT pg_last_wal_replay_lsn()::text, pg_get_wal_replay_pause_state(), pg_is_in_recovery()",
        )
        if row is None and not ground.cluster.is_running():
            raise _ended_early(ground)
        if row is not None and row[0] is not None:
            now = parse_lsn(str(row[0]))
            if now != reached:
                reached, still_since = now, clock.monotonic_s()
            if row[1] == "paused":
                return reached
            is_still = clock.monotonic_s() - still_since > 1.0
            if is_open and is_still:
                if plan.end is not None and reached < plan.end:
                    raise _short(reached, plan.end)
                return reached
        time.sleep(_POLL_S)
    raise RestoreFailed(
        Text(
            ja=f"写しが {timeout_s:g} 秒以内に目的の時点へ達しませんでした(到達 {format_lsn(reached)})",
            en=f"The copy did not reach the moment within {timeout_s:g} s (reached {format_lsn(reached)})",
        ),
        hint=Text(
            ja=f"{ground.cluster.data_dir}/startup.log を見ます。",
            en=f"See {ground.cluster.data_dir}/startup.log.",
        ),
    )


class _Stages(dict[str, float]):
    """Seconds by stage; tells when one begins."""

    def __init__(self, on_stage: OnStage | None) -> None:
        super().__init__()
        self.on_stage = on_stage


@contextmanager
def _timed(seconds: _Stages, stage: str) -> Iterator[None]:
    if seconds.on_stage:
        seconds.on_stage(stage)
    began = clock.monotonic_s()
    yield
    seconds[stage] = round(clock.monotonic_s() - began, 3)


def _ended_early(ground: Ground) -> RestoreFailed:
    log = ground.cluster.data_dir / "startup.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    fatal = next((line for line in reversed(lines) if "FATAL" in line), lines[-1] if lines else "")
    return RestoreFailed(
        Text(ja=f"写しが途中で終わりました: {fatal}", en=f"The copy ended on its way: {fatal}"),
        hint=Text(
            ja="変更記録がその時点まで届いていません。`hrx recover status` で届いている範囲を見ます。",
            en="The change records do not reach that moment. `hrx recover status` shows how far they go.",
        ),
    )


def _short(reached: int, end: int) -> RestoreIncomplete:
    return RestoreIncomplete(
        Text(
            ja=f"写しは {format_lsn(reached)} で止まりましたが、{format_lsn(end)} までの記録があるはずです",
            en=f"The copy stopped at {format_lsn(reached)}, but there are records up to {format_lsn(end)}",
        ),
        hint=Text(
            ja="昇格させません。欠けを `hrx recover verify` で調べるか、手前の時刻を `--to` で選びます。",
            en="It is not promoted. Look for the hole with `hrx recover verify`, or choose an earlier time.",
        ),
    )


def _swapped(backup: BaseBackup) -> BackupFileDamaged:
    return BackupFileDamaged(
        Text(
            ja=f"バックアップ {backup.id} の中身が記録と違います",
            en=f"Backup {backup.id} is not what its record says",
        ),
        hint=Text(ja="別の場所の写しから取り戻します。", en="Fetch it again from the copy elsewhere."),
    )
