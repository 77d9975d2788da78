"""The take-over on this machine, end to end: the standby becomes the writer, clients reach it, and later the
pair is whole again with the names that everybody knows.

Each step finds out by itself what is done already, so that a killed run is simply run again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from hrx.kit import clock
from hrx.kit.errors import Conflict, Refused, Text, Unavailable
from hrx.ops.ledger.entries import Kind
from hrx.ops.recovery.noting import note
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standby.building import Upstream
from hrx.ops.recovery.standby.members import Member, find_view, run, view
from hrx.ops.recovery.standby.promoting import Switched, fail_over, switch_over
from hrx.ops.recovery.standby.rejoining import Rejoined, RewindImpossible, copy_anew, rewind
from hrx.ops.recovery.standby.supervised import BUILDS_WITHIN_S, PART, open_pair
from hrx.ops.recovery.wal import format_lsn
from hrx.ops.seams.sessions import SessionLost
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.fencing import is_fenced_inside, read_fence
from hrx.ops.targets.machine.homes import FIRST, SECOND, bring_home, find_writer
from hrx.ops.targets.machine.postgres import SUPERUSER
from hrx.ops.targets.machine.secrets import read_secrets

_STOPS_WITHIN_S: Final = 75.0
_STARTS_WITHIN_S: Final = 60.0
_POLL_S: Final = 0.05


class Keeping(Protocol):
    """Whoever keeps the servers running; the supervisor."""

    def start(self, name: str, *, timeout_s: float) -> object: ...

    def stop(self, name: str, *, timeout_s: float) -> object: ...

    def request_stop(self, name: str) -> None: ...


Pass = Callable[[str], None]


def take_over(
    site: Site,
    keeping: Keeping,
    pass_to: Pass,
    *,
    run_id: str,
    loss_max_bytes: int | None,
    is_primary_lost: bool = False,
) -> Mapping[str, object]:
    """Make the standby the writer: in order when the primary answers, else after it is killed for certain.

    `is_primary_lost`: it was found silent for long enough, and is not asked again.
    `pass_to` has clients reach a part; it is called as soon as that part is the writer. `loss_max_bytes` as
    in `fail_over`. Done again it only passes clients on. Raises Refused, Unavailable, SessionLost."""
    layout = site.layout
    if find_writer(layout.postgres_data, layout.standby_data) == SECOND:
        pass_to(SECOND)
        return {"taken_over": "before"}
    first, second = open_pair(site)
    _require_standby(second)
    primary = None if is_primary_lost else find_view(first)
    began = clock.monotonic_s()
    if primary is not None and primary.is_writer:
        how, done = "in order", _in_order(first, second, keeping, run_id=run_id)
    else:
        how = "after its end"
        done = fail_over(
            first,
            second,
            run_id=run_id,
            stop_old=lambda: _let_go(keeping),
            received_dirs=[site.received_dir],
            loss_max_bytes=loss_max_bytes,
        )
    pass_to(SECOND)
    told = {
        "taken_over": how,
        **_tell(done),
        "seconds": {**done.seconds, "whole": round(clock.monotonic_s() - began, 3)},
    }
    note(site, Kind.STANDBY, PART, {"meaning": "the standby took over", **told})
    return told


def come_home(site: Site, keeping: Keeping, pass_to: Pass) -> Mapping[str, object]:
    """Give whoever took over the primary's place: a short stop, two renames, a start. Harmless when there.

    Raises Refused when the part that would be moved did not take over, Conflict while somebody uses it."""
    first, second = open_pair(site)
    layout = site.layout
    began = clock.monotonic_s()
    if find_writer(layout.postgres_data, layout.standby_data) == SECOND:
        with suppress(SessionLost):
            # What the stop has to write is written while everybody still works.
            run(second, "CHECKPOINT", timeout_s=_STOPS_WITHIN_S)
        keeping.stop(SECOND, timeout_s=_STOPS_WITHIN_S)
    moved = bring_home(first.cluster, second.cluster)
    if moved or find_view(first) is None:
        first.cluster.prepare()
        keeping.start(FIRST, timeout_s=_STARTS_WITHIN_S)
        _wait_for_writer(first)
    pass_to(FIRST)
    return {"moved": moved, "seconds": round(clock.monotonic_s() - began, 3)}


def rejoin(site: Site, keeping: Keeping) -> Mapping[str, object]:
    """Make the old primary, which lies in the standby's place by now, follow the writer, and start it.

    It is wound back to where the two parted, or copied anew where that is impossible; what only it had is
    kept. Done again on one that follows it changes nothing. Raises as `rewind` and `build`."""
    first, second = open_pair(site)
    layout = site.layout
    if find_writer(layout.postgres_data, layout.standby_data) == SECOND:
        raise Conflict(
            Text(ja="主系がまだ元の場所にいません", en="The writer has not its own place yet"),
            hint=Text(
                ja="`hrx recover standby rejoin` を最初から実行してください。",
                en="Run `hrx recover standby rejoin` from its beginning.",
            ),
            code="standby.not_home",
        )
    told: dict[str, object] = {"rejoined": "follows already"}
    if not is_follower(second):
        keeping.stop(SECOND, timeout_s=_STOPS_WITHIN_S)
        told = _follow_again(site, first, second)
    second.cluster.prepare()
    keeping.start(SECOND, timeout_s=_STARTS_WITHIN_S)
    note(site, Kind.STANDBY, PART, {"meaning": "the old primary follows", **told})
    return told


def is_follower(member: Member) -> bool:
    """Whether its directory is a standby's that nobody fenced off."""
    data_dir = member.cluster.data_dir
    return (data_dir / "standby.signal").exists() and read_fence(data_dir) is None


def _follow_again(site: Site, writer: Member, old: Member) -> dict[str, object]:
    source = site.source
    upstream = Upstream(conninfo=source.conninfo, passfile=site.settings.backup_passfile)
    kept_dir = site.layout.recovery / "kept-of-standby" / f"{clock.now():%Y%m%d-%H%M%S}"
    how = "copied anew"
    if is_fenced_inside(old.cluster.data_dir):
        with _opened_passfile(site, writer) as passfile:
            try:
                done: Rejoined = rewind(old, writer, upstream, passfile=passfile, kept_dir=kept_dir)
                how = "wound back"
            except RewindImpossible:
                done = copy_anew(old, writer, source, upstream, kept_dir=kept_dir, timeout_s=BUILDS_WITHIN_S)
    else:
        done = copy_anew(old, writer, source, upstream, kept_dir=kept_dir, timeout_s=BUILDS_WITHIN_S)
    return {
        "rejoined": how,
        "commits_only_it_had": done.lost.commits if done.lost else None,
        "kept": str(done.kept) if done.kept else None,
        "seconds": done.seconds,
    }


def _in_order(first: Member, second: Member, keeping: Keeping, *, run_id: str) -> Switched:
    def stop() -> None:
        keeping.stop(FIRST, timeout_s=_STOPS_WITHIN_S)

    def start_again() -> None:
        first.cluster.prepare()
        keeping.start(FIRST, timeout_s=_STARTS_WITHIN_S)

    # What the stop has to write is written while everybody still works, here and there.
    run(first, "CHECKPOINT", timeout_s=_STOPS_WITHIN_S)
    return switch_over(
        first,
        second,
        run_id=run_id,
        stop_old=stop,
        start_old=start_again,
    )


def _let_go(keeping: Keeping) -> None:
    """The supervisor must not start again what fell. One that is gone starts nothing."""
    with suppress(Unavailable):
        keeping.request_stop(FIRST)


def _require_standby(second: Member) -> None:
    if (second.cluster.data_dir / "standby.signal").exists() and find_view(second) is not None:
        return
    raise Refused(
        Text(ja="引き継げる待機系が動いていません", en="No standby runs that could take over"),
        hint=Text(
            ja="`hrx recover standby start` を試し、だめなら `hrx recover restore --to latest` で戻します。",
            en="Try `hrx recover standby start`; else bring it back: `hrx recover restore --to latest`.",
        ),
        code="standby.none_to_promote",
    )


def _wait_for_writer(first: Member) -> None:
    deadline = clock.monotonic_s() + _STARTS_WITHIN_S
    while True:
        found = find_view(first)
        if found is not None and found.is_writer:
            return
        if clock.monotonic_s() > deadline:
            view(first)
            raise Unavailable(
                Text(ja="主系が書き込みを受け付けません", en="The primary takes no writes"),
                hint=Text(
                    ja="`make logs PART=postgres` を見てください。", en="See `make logs PART=postgres`."
                ),
                code="standby.not_writing",
            )
        time.sleep(_POLL_S)


def _tell(done: Switched) -> dict[str, object]:
    return {
        "timeline": done.timeline,
        "from": format_lsn(done.forked_at),
        "lost_commits": done.lost.commits if done.lost else None,
        "lost_bytes": done.lost.size_bytes if done.lost else None,
    }


@contextmanager
def _opened_passfile(site: Site, writer: Member) -> Iterator[Path]:
    """The superuser's password for as long as a rewind runs, readable for the user that runs it only."""
    password = read_secrets(site.layout.secrets_file)["HRX_POSTGRES_ADMIN_PASSWORD"]
    path = site.layout.run / "rewind.pgpass"
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"127.0.0.1:{writer.cluster.port}:*:{SUPERUSER}:{password}\n")
        users.give_to(path, user=writer.cluster.run_as, mode=0o600)
        yield path
    finally:
        path.unlink(missing_ok=True)
