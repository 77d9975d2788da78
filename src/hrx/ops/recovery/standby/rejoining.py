"""Bringing an old primary back as the standby of the one that took over.

What it wrote and the new writer lacks is kept first, as evidence: a rewind throws it away without a word.
Then it is wound back to where the two parted (`pg_rewind`), or copied anew; its fence falls only when it
is a copy of the new writer."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from hrx.kit import clock
from hrx.kit.errors import Conflict, Refused, Text, Unavailable
from hrx.kit.secrets import mask_text
from hrx.ops.recovery.basebackup import Source
from hrx.ops.recovery.standby.building import Upstream, build_standby, ensure_slot, follow
from hrx.ops.recovery.standby.lost_records import Beyond, list_files_from, read_beyond
from hrx.ops.recovery.standby.members import Member, run, view
from hrx.ops.recovery.standby.promoting import find_fork
from hrx.ops.recovery.wal import Segment, format_lsn
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.fencing import (
    lift_fence,
    list_processes_on,
    open_for_repair,
    read_fence,
)
from hrx.ops.targets.machine.postgres import SUPERUSER

_REPAIRS_WITHIN_S: Final = 600.0


class RewindImpossible(Unavailable):
    """PostgreSQL cannot wind it back: it has to be copied anew."""

    code = "standby.rewind_impossible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejoined:
    """`lost`: what only the old primary had, None when it could not be read any more; `kept`: the folder
    where that is, None when there was nothing of the kind."""

    lost: Beyond | None
    kept: Path | None
    seconds: dict[str, float] = field(default_factory=dict)


def keep_evidence(old: Member, *, fork: int, timeline: int, into: Path) -> tuple[Beyond, Path | None]:
    """Copy the old primary's change records from the fork on, and say how many commits are in them.

    `timeline` is the old one's. Nothing is kept when it had nothing beyond the fork."""
    pg_wal = old.cluster.data_dir / "pg_wal"
    beyond = read_beyond(old.cluster, pg_wal, timeline=timeline, start=fork)
    if not beyond.commits:
        return beyond, None
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in list_files_from(pg_wal, timeline=timeline, position=fork):
        segment = Segment.parse(path.name)
        if segment is not None and segment.start <= beyond.end:
            shutil.copyfile(path, into / path.name)
    facts = {
        "kept_at": clock.now(),
        "timeline": timeline,
        "from": format_lsn(beyond.start),
        "to": format_lsn(beyond.end),
        "commits": beyond.commits,
        "system_identifier": old.cluster.system_identifier(),
    }
    draft = into / "facts.json.new"
    draft.write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2))
    draft.replace(into / "facts.json")
    return beyond, into


def rewind(
    old: Member, new: Member, upstream: Upstream, *, passfile: Path | None, kept_dir: Path
) -> Rejoined:
    """Make the stopped old primary a standby of the new one, ready to be started. May be run again.

    `passfile` opens the new writer as superuser for `pg_rewind`; `kept_dir` is where evidence goes. Raises
    Conflict while it runs, Refused when the two are no pair, RewindImpossible when only a new copy helps."""
    seconds: dict[str, float] = {}
    with _timed(seconds, "evidence"):
        lost, kept = _require_and_keep(old, new, kept_dir=kept_dir)
    with _timed(seconds, "rewind"):
        # Where they parted must be in the new writer's control file, which a checkpoint writes.
        run(new, "CHECKPOINT")
        ensure_slot(new)
        open_for_repair(old.cluster.data_dir)
        _pg_rewind(old, new, passfile=passfile)
        follow(old.cluster, upstream)
        lift_fence(old.cluster.data_dir, keeps_reading=True)
    return Rejoined(lost=lost, kept=kept, seconds=seconds)


def copy_anew(
    old: Member, new: Member, source: Source, upstream: Upstream, *, kept_dir: Path, timeout_s: float
) -> Rejoined:
    """The same by a fresh copy of the new primary: where a rewind is impossible, or the data is small.

    An old primary whose data directory is gone has nothing to keep. Raises as `rewind`."""
    seconds: dict[str, float] = {}
    lost, kept = None, None
    if (old.cluster.data_dir / "PG_VERSION").exists():
        with _timed(seconds, "evidence"):
            lost, kept = _require_and_keep(old, new, kept_dir=kept_dir)
    with _timed(seconds, "copy"):
        build_standby(new, old.cluster, source, upstream, timeout_s=timeout_s)
    return Rejoined(lost=lost, kept=kept, seconds=seconds)


def _require_and_keep(old: Member, new: Member, *, kept_dir: Path) -> tuple[Beyond, Path | None]:
    """Raises unless the old one is stopped and the new one is the writer of the same system."""
    data_dir = old.cluster.data_dir
    if list_processes_on(data_dir):
        raise Conflict(
            Text(ja="古い主系がまだ動いています", en="The old primary still runs"),
            hint=Text(ja="止めてから実行してください。", en="Stop it first."),
            code="standby.old_primary_runs",
        )
    writer = view(new)
    if not writer.is_writer or writer.system_identifier != old.cluster.system_identifier():
        raise Refused(
            Text(
                ja="相手は、この系の主系ではありません", en="The other server is not the writer of this pair"
            ),
            hint=Text(
                ja="`hrx recover standby status` で役割を確かめます。",
                en="See who is what: `hrx recover standby status`.",
            ),
            code="standby.not_a_pair",
        )
    fence = read_fence(data_dir)
    timeline = fence.timeline if fence else old.cluster.control().timeline
    fork = find_fork(new, timeline=writer.timeline)
    return keep_evidence(old, fork=fork, timeline=timeline, into=kept_dir)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = clock.monotonic_s()
    yield
    seconds[stage] = round(clock.monotonic_s() - began, 3)


def _pg_rewind(old: Member, new: Member, *, passfile: Path | None) -> None:
    argv = [
        old.cluster.program("pg_rewind"),
        f"--target-pgdata={old.cluster.data_dir}",
        f"--source-server=host=127.0.0.1 port={new.cluster.port} user={SUPERUSER} dbname=postgres"
        " connect_timeout=5",
    ]
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}
    if passfile is not None:
        environment["PGPASSFILE"] = str(passfile)
    try:
        done = users.run_as_user(argv, user=old.cluster.run_as, timeout_s=_REPAIRS_WITHIN_S, env=environment)
        failed, said = done.returncode != 0, done.stderr.strip()
    except subprocess.TimeoutExpired:
        failed, said = True, f"> {_REPAIRS_WITHIN_S:g} s"
    if failed:
        tail = mask_text(said)[-600:]
        raise RewindImpossible(
            Text(ja=f"巻き戻せませんでした: {tail}", en=f"It could not be rewound: {tail}"),
            hint=Text(
                ja="新しい主系から作り直します: `hrx recover standby build`。",
                en="Copy it anew from the new primary: `hrx recover standby build`.",
            ),
        )
