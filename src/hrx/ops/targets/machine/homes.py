"""The two homes of this machine's database, and the writer's way back into the first after a take-over.

A standby takes over where it lies. What stands on the disk says who the writer is, not a record of it: the
old primary's directory carries its fence inside, a follower's its `standby.signal`. Later, at a quiet moment
or at the next start, the two directories change places by renames, so that the part `postgres` is the writer
again; each rename may be the last thing that a killed run did."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, Refused, Text
from hrx.ops.targets.machine.fencing import (
    is_fenced_inside,
    lift_fence,
    list_processes_on,
    raise_fence,
    read_fence,
)
from hrx.ops.targets.machine.postgres import PostgresCluster

#: The parts, by home.
FIRST: Final = "postgres"
SECOND: Final = "postgres-standby"
_SOCKETS: Final = ".s.PGSQL.*"


def find_writer(first: Path, second: Path) -> str:
    """The part whose data directory holds the writer; the first where nobody took over."""
    return SECOND if not _is_writers(first) and _is_writers(second) else FIRST


def find_writer_port(first: Path, second: Path, *, ports: dict[str, int]) -> int | None:
    """Where the writer itself listens, by the remembered ports; None on a machine without a database."""
    name = "postgres_standby" if find_writer(first, second) == SECOND else "postgres"
    return ports.get(name)


def bring_home(first: PostgresCluster, second: PostgresCluster) -> bool:
    """Give the writer the first home, and the old primary, fenced, the second; gives whether it was away.

    Both servers must be stopped. Harmless when everything is in its place; a move that was cut off is ended.
    Raises Conflict while one runs, Refused when what took over is not younger than what it took over from."""
    home, away = first.data_dir, second.data_dir
    former = home.with_name(home.name + ".former")
    if not former.exists() and not _is_away(home, away):
        return False
    for data_dir in (home, away, former):
        _require_stopped(data_dir)
    if find_writer(home, away) == SECOND:
        _require_younger(home, second)
        if home.exists():
            home.rename(former)
    if not home.exists():
        away.rename(home)
    if former.exists():
        # Its fence came along inside; the one beside it is for its new place.
        former.rename(away)
    fence = read_fence(away) or read_fence(home)
    if fence is not None and is_fenced_inside(away):
        raise_fence(away, fence, user=second.run_as)
    # A copy brings the sockets of the server along that it was made of; nobody runs here.
    for path in (*home.glob(_SOCKETS), *away.glob(_SOCKETS)):
        path.unlink(missing_ok=True)
    lift_fence(home, keeps_reading=False)
    first.note_placed(at=clock.now())
    return True


def _is_away(home: Path, away: Path) -> bool:
    """Also true between the last rename and the fall of the fence beside the first home."""
    return find_writer(home, away) == SECOND or (
        _is_writers(home) and read_fence(home) is not None and (is_fenced_inside(away) or not away.exists())
    )


def _is_writers(data_dir: Path) -> bool:
    return (
        (data_dir / "PG_VERSION").exists()
        and not is_fenced_inside(data_dir)
        and not (data_dir / "standby.signal").exists()
    )


def _require_stopped(data_dir: Path) -> None:
    left = list_processes_on(data_dir) if data_dir.exists() else []
    if left:
        raise Conflict(
            Text(
                ja=f"{data_dir} でサーバーが動いています(pid {left[0].pid})",
                en=f"A server works on {data_dir} (pid {left[0].pid})",
            ),
            hint=Text(
                ja="`hrx recover standby rejoin` が順に止めて行います。",
                en="`hrx recover standby rejoin` stops it first.",
            ),
            code="standby.home_in_use",
        )


def _require_younger(home: Path, second: PostgresCluster) -> None:
    """The fence knows the timeline that was left; whoever took over writes a later one."""
    fence, found = read_fence(home), second.control()
    if fence is None or (
        found.system_identifier == fence.system_identifier and found.timeline > fence.timeline
    ):
        return
    raise Refused(
        Text(
            ja=f"{second.data_dir} は {home} を引き継いだデータではありません",
            en=f"{second.data_dir} did not take over from {home}",
        ),
        hint=Text(
            ja="消さずに、`hrx recover standby status` と `hrx recover status` で確かめてください。",
            en="Delete nothing; see `hrx recover standby status` and `hrx recover status`.",
        ),
        code="standby.not_taken_over",
    )


__all__ = ["FIRST", "SECOND", "bring_home", "find_writer", "find_writer_port"]
