"""Handing the writing over: planned, with the old primary's last word, or after it died.

The order is what makes two writers impossible, and types hold it: `_promote` takes a `ProvenStopped`,
which only exists once the fence is on disk and no process works on the old data directory any more. Until
then every step can be killed and run again; a planned switch that cannot finish puts the old primary
back."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError, Refused, Text, Unavailable
from hrx.ops.recovery.standby.building import HANDOVER
from hrx.ops.recovery.standby.lost_records import Beyond, list_files_from, read_beyond
from hrx.ops.recovery.standby.members import Member, View, find_view, run, view, write_own_settings
from hrx.ops.recovery.wal import Segment, format_lsn, parse_history
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.fencing import (
    Fence,
    ProvenStopped,
    kill_processes_on,
    lift_fence,
    prove_stopped,
    raise_fence,
)

_POLL_S: Final = 0.02
CATCHES_UP_WITHIN_S: Final = 20.0
_STILL_S: Final = 0.5
_PROMOTES_WITHIN_S: Final = 30
#: A planned switch waits for the rest; more than this behind, it would be an outage of its own.
_PLANNED_LAG_MAX_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """A finished switch. `lost` is what the old primary is known to have written and the new one lacks; None
    when nothing of the old one could be read. Seconds by stage."""

    system_identifier: str
    timeline: int
    forked_at: int
    lost: Beyond | None
    seconds: dict[str, float] = field(default_factory=dict)


Starting = Callable[[], None]


def switch_over(
    old: Member,
    new: Member,
    *,
    run_id: str,
    stop_old: Starting,
    start_old: Starting,
    catches_up_within_s: float = CATCHES_UP_WITHIN_S,
) -> Switched:
    """Planned: the old primary ends in order and sends its last record; nothing is lost, or nothing happens.

    `stop_old` ends its server (and keeps its supervisor from starting it), `start_old` takes that back.
    Raises Refused when the standby does not follow closely, and Unavailable when it did not get the last
    record: the old one is the primary again then."""
    before, following = view(old), view(new)
    _require_pair(before, following)
    behind = before.received - following.received
    if behind > _PLANNED_LAG_MAX_BYTES:
        raise Refused(
            Text(
                ja=f"待機系は {behind / 1e6:.0f} MB 遅れています",
                en=f"The standby is {behind / 1e6:.0f} MB behind",
            ),
            hint=Text(
                ja="追いついてから実行してください。`hrx recover standby status` が遅れを示します。",
                en="Run it once it has caught up: see `hrx recover standby status`.",
            ),
            code="standby.behind",
        )
    seconds: dict[str, float] = {}
    try:
        with _timed(seconds, "stop"):
            raise_fence(old.cluster.data_dir, _fence(before, run_id), user=old.cluster.run_as)
            stop_old()
            old.cluster.stop("fast")
            kill_processes_on(old.cluster.data_dir)
            stopped = prove_stopped(old.cluster.data_dir)
        with _timed(seconds, "catch-up"):
            last = old.cluster.control().checkpoint
            _wait_for_replay(new, beyond=last, timeout_s=catches_up_within_s)
    except HrxError:
        # Nothing was promoted: the old one has every commit, and goes on.
        lift_fence(old.cluster.data_dir, keeps_reading=False)
        start_old()
        raise
    with _timed(seconds, "promote"):
        after, forked_at = _promote(new, stopped)
    lost = read_beyond(
        old.cluster, old.cluster.data_dir / "pg_wal", timeline=before.timeline, start=forked_at
    )
    return _switched(after, forked_at, lost, seconds)


def fail_over(
    old: Member,
    new: Member,
    *,
    run_id: str,
    stop_old: Starting,
    received_dirs: Sequence[Path],
    loss_max_bytes: int | None,
) -> Switched:
    """After the old primary died, or hangs: it is killed for certain, and what it left of its change records
    (its own, or those of the receiver) is replayed before the standby is promoted.

    `stop_old` keeps its supervisor from starting it. Raises Refused when more than `loss_max_bytes` would be
    lost, or when nothing tells how much (None accepts both): the fence stays, run it again with the loss
    accepted."""
    following = view(new)
    if following.is_writer:
        raise _is_writer_already()
    seconds: dict[str, float] = {}
    with _timed(seconds, "stop"):
        raise_fence(old.cluster.data_dir, _fence(following, run_id), user=old.cluster.run_as)
        stop_old()
        kill_processes_on(old.cluster.data_dir)
        stopped = prove_stopped(old.cluster.data_dir)
    with _timed(seconds, "catch-up"):
        folders = [old.cluster.data_dir / "pg_wal", *received_dirs]
        replayed = _settle(new)
        found = _hand_over(new, folders, timeline=following.timeline, position=replayed)
        if found is not None and found.size_bytes:
            _wait_for_replay(new, beyond=found.end - 1, timeout_s=CATCHES_UP_WITHIN_S, is_required=False)
    reached = view(new).replayed
    lost = None if found is None else _read_handed_over(new, timeline=following.timeline, position=reached)
    if lost is None and loss_max_bytes is not None:
        raise Refused(
            Text(
                ja="古い主系の変更記録が一つも残っておらず、何が失われるか分かりません",
                en="None of the old primary's change records are left: nobody knows what would be lost",
            ),
            hint=Text(
                ja="受信した記録があれば渡すか、失うことを承認して実行し直してください。",
                en="Give it the received records if there are any, or run it again with the loss approved.",
            ),
            code="standby.loss_unknown",
        )
    if lost is not None and loss_max_bytes is not None and lost.size_bytes > loss_max_bytes:
        raise Refused(
            Text(
                ja=f"昇格すると、確定した {lost.commits} 件({lost.size_bytes} バイト)が失われます",
                en=f"Promoted now, {lost.commits} commits ({lost.size_bytes} bytes) would be lost",
            ),
            hint=Text(
                ja="記録を取り戻すか、失うことを承認して実行し直してください。",
                en="Get the records back, or run it again with the loss approved.",
            ),
            code="standby.would_lose",
        )
    with _timed(seconds, "promote"):
        after, forked_at = _promote(new, stopped)
    return _switched(after, forked_at, lost, seconds)


def _promote(new: Member, stopped: ProvenStopped) -> tuple[View, int]:
    """The only place that promotes. Gives the new writer's view and where its timeline begins."""
    before = view(new)
    if before.system_identifier != stopped.fence.system_identifier:
        raise _not_a_pair(before.system_identifier, stopped.fence.system_identifier)
    run(new, f"SELECT pg_promote(true, {_PROMOTES_WITHIN_S})", timeout_s=_PROMOTES_WITHIN_S + 5)
    after = view(new)
    if not after.is_writer or after.timeline <= stopped.fence.timeline:
        raise Unavailable(
            Text(ja="待機系が主系になりませんでした", en="The standby did not become the primary"),
            hint=Text(
                ja="待機系のログを見て、もう一度実行してください。", en="See its log, and run it again."
            ),
            code="standby.not_promoted",
        )
    # Settings of a follower: none of them may be there when it is copied or rewound from.
    write_own_settings(
        new.cluster,
        dict.fromkeys(
            ("primary_conninfo", "primary_slot_name", "restore_command", "recovery_target_timeline")
        ),
    )
    run(new, "SELECT pg_reload_conf()")
    shutil.rmtree(new.cluster.data_dir / HANDOVER, ignore_errors=True)
    return after, find_fork(new, timeline=after.timeline)


def find_fork(member: Member, *, timeline: int) -> int:
    """Where this timeline left its parent, by its own history file."""
    text = (member.cluster.data_dir / "pg_wal" / f"{timeline:08X}.history").read_text()
    return parse_history(text)[-1].at


def _require_pair(old: View, new: View) -> None:
    if new.is_writer:
        raise _is_writer_already()
    if old.system_identifier != new.system_identifier:
        raise _not_a_pair(old.system_identifier, new.system_identifier)


def _fence(known: View, run_id: str) -> Fence:
    return Fence(
        fenced_at=clock.now(),
        run=run_id,
        system_identifier=known.system_identifier,
        timeline=known.timeline,
    )


def _settle(new: Member) -> int:
    """Until the standby has replayed what it received; gives where that ends.

    What it received may end in the middle of a record, which is not replayed: then it stands still."""
    deadline = clock.monotonic_s() + CATCHES_UP_WITHIN_S
    reached, still_since = 0, clock.monotonic_s()
    while True:
        now = view(new)
        if now.replayed != reached:
            reached, still_since = now.replayed, clock.monotonic_s()
        is_still = clock.monotonic_s() - still_since > _STILL_S
        if now.replayed >= now.received or is_still or clock.monotonic_s() > deadline:
            return now.replayed
        time.sleep(_POLL_S)


def _wait_for_replay(new: Member, *, beyond: int, timeout_s: float, is_required: bool = True) -> None:
    """Until the standby has replayed the record that begins at `beyond`."""
    deadline = clock.monotonic_s() + timeout_s
    while clock.monotonic_s() < deadline:
        now = find_view(new)
        if now is not None and now.replayed > beyond:
            return
        time.sleep(_POLL_S)
    if is_required:
        raise Unavailable(
            Text(
                ja=f"待機系が最後の記録 {format_lsn(beyond)} を受け取りませんでした",
                en=f"The standby did not get the last record, {format_lsn(beyond)}",
            ),
            hint=Text(
                ja="主系は元どおり動いています。複製を直してから、もう一度実行してください。",
                en="The primary goes on as before. Mend the replication and run it again.",
            ),
            code="standby.not_caught_up",
        )


def _hand_over(new: Member, folders: Sequence[Path], *, timeline: int, position: int) -> Beyond | None:
    """Lay the old primary's last files where the standby looks for them; the first folder that has one wins.

    Files that end where the standby is, or before, are not laid there: it would read them instead of its own,
    miss records that it has replayed, and fall at its promotion. A receiver may well be behind a standby.

    Gives how far they go; None when there are none, so that nobody knows what the old one had."""
    handover = new.cluster.data_dir / HANDOVER
    handover.mkdir(exist_ok=True)
    users.give_to(handover, user=new.cluster.run_as, mode=0o700)
    if _read_handed_over(new, timeline=timeline, position=position).end <= position:
        # Left by a take-over that was begun before.
        for path in list_files_from(handover, timeline=timeline, position=position):
            path.unlink()
    draft = handover.with_name(f"{handover.name}.draft")
    for folder in folders:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        users.give_to(draft, user=new.cluster.run_as, mode=0o700)
        # A server keeps files for later under names to come: only those that hold records are wanted.
        end = read_beyond(new.cluster, folder, timeline=timeline, start=position).end
        for path in list_files_from(folder, timeline=timeline, position=position):
            segment = Segment.parse(path.name)
            if segment is None or segment.start <= end:
                into = draft / path.name.removesuffix(".partial")
                shutil.copyfile(path, into)
                users.give_to(into, user=new.cluster.run_as, mode=0o600)
        if read_beyond(new.cluster, draft, timeline=timeline, start=position).end > position:
            for path in draft.iterdir():
                if not (handover / path.name).exists():
                    path.replace(handover / path.name)
    shutil.rmtree(draft, ignore_errors=True)
    if not (handover / Segment.at(timeline, position).name).exists():
        # At the very end of a file the next one need not be there yet: then there is nothing more.
        last = Segment.at(timeline, position - 1).name
        is_known = any((folder / (last + end)).exists() for folder in folders for end in ("", ".partial"))
        return Beyond(start=position, end=position, commits=0) if is_known else None
    return _read_handed_over(new, timeline=timeline, position=position)


def _read_handed_over(new: Member, *, timeline: int, position: int) -> Beyond:
    return read_beyond(new.cluster, new.cluster.data_dir / HANDOVER, timeline=timeline, start=position)


def _switched(after: View, forked_at: int, lost: Beyond | None, seconds: dict[str, float]) -> Switched:
    return Switched(
        system_identifier=after.system_identifier,
        timeline=after.timeline,
        forked_at=forked_at,
        lost=lost,
        seconds=seconds,
    )


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = clock.monotonic_s()
    yield
    seconds[stage] = round(clock.monotonic_s() - began, 3)


def _is_writer_already() -> Refused:
    return Refused(
        Text(ja="待機系はもう主系です", en="The standby is the primary already"),
        hint=Text(
            ja="`hrx recover standby status` が今の役割を示します。",
            en="`hrx recover standby status` shows who is what.",
        ),
        code="standby.is_writer",
    )


def _not_a_pair(one: str, other: str) -> Refused:
    return Refused(
        Text(ja=f"別々のデータベースです({one}、{other})", en=f"These are two databases ({one}, {other})"),
        hint=Text(
            ja="`hrx recover standby build` で作り直します。",
            en="Build the standby anew: `hrx recover standby build`.",
        ),
        code="standby.not_a_pair",
    )
