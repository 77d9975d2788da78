"""Rounds in turn, medians and ratios of neighbours: backup, increment, restore, writes meanwhile, loss."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.figures import Aim, Figure, Section, ratio_of_rounds
from benchmarks.recovery.database import Database, Writer, load, running_database, transactions_per_s
from benchmarks.recovery.peer import find_pgbackrest, version_of
from benchmarks.recovery.ways import Back, Copy, Ours, Peer, Taken, ask, drop_caches

RESTORE_TO_CP: Final = Aim(bound=1.5, is_lower_bound=False)
NO_SLOWER_THAN_PEER: Final = Aim(bound=1.0, is_lower_bound=False)
RTO: Final = Aim(bound=60, is_lower_bound=False, unit="s")
RPO: Final = Aim(bound=1, is_lower_bound=False, unit="s")
_WRITES_A_SECOND: Final = 200.0
_BASELINE_S: Final = 8


def measure_recovery(*, gib: float, rounds: int, cache: Path) -> list[Section]:
    """Everything at this size, on one server, on one disk, over loopback."""
    with running_database(gib=gib) as database:
        size = database.size_bytes
        found = find_pgbackrest(database, cache=cache)
        peer = Peer(peer=found) if found else None
        if found:
            found.prepare()
        ours = Ours(database)
        try:
            notes = (
                f"{size / 2**30:.2f} GiB; {rounds} rounds in turn; caches "
                f"{'dropped before each' if drop_caches() else 'not dropped (needs root)'}; "
                + (f"peer: {version_of(found)}, 2 processes, zstd 3, AES-256" if found else "no peer"),
            )
            return [
                _backups(database, ours, peer, rounds=rounds, notes=notes),
                _restores(database, ours, peer, rounds=rounds),
                _writes(database, ours, peer),
                _loss(database, ours, peer),
            ]
        finally:
            ours.close()


def _backups(
    database: Database, ours: Ours, peer: Peer | None, *, rounds: int, notes: tuple[str, ...]
) -> Section:
    copy = Copy(database=database)
    ways: list[Copy | Ours | Peer] = [copy, ours, *([peer] if peer else [])]
    full: dict[str, list[Taken]] = {way.name: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            full[way.name].append(way.back_up())
    with load(database, clients=1, seconds=20, rate=500):
        time.sleep(21)
    increments = {way.name: way.back_up(is_full=False) for way in _real(ours, peer)}
    figures = [line for name, taken in full.items() for line in _lines(f"full backup, {name}", taken)]
    figures.append(_ratio("full backup, HRX ÷ cp", full["HRX"], full["cp -a"]))
    if peer:
        figures.append(
            _ratio("full backup, HRX ÷ pgBackRest", full["HRX"], full[peer.name], aim=NO_SLOWER_THAN_PEER)
        )
    for name, one in increments.items():
        figures += _lines(f"increment after 20 s of writes, {name}", [one])
    return Section(name="Backup", notes=notes, figures=figures)


def _restores(database: Database, ours: Ours, peer: Peer | None, *, rounds: int) -> Section:
    writer = Writer(database.url, _WRITES_A_SECOND)
    writer.start()
    time.sleep(5)
    moment = datetime.now(UTC)
    at = moment.timestamp()
    time.sleep(3)
    writer.stop()
    database.execute("SELECT pg_switch_wal()")
    time.sleep(3)
    copy = Copy(database=database)
    figures: list[Figure] = []
    taken: dict[str, list[Taken]] = {copy.name: [], "HRX": [], **({peer.name: []} if peer else {})}
    wrong: dict[str, int] = {}
    for _ in range(rounds):
        taken[copy.name].append(copy.restore())
        for way in _real(ours, peer):
            with way.restored(to=moment) as back:
                taken[way.name].append(back.taken)
                wrong[way.name] = _wrong_rows(back, writer, at=at)
    for name, found in taken.items():
        figures += _lines(f"restore to a moment, {name}", found)
        if found[-1].stages:
            figures += [
                Figure(
                    what=f"  of it {stage}",
                    value=statistics.median(one.stages[stage] for one in found),
                    unit="s",
                )
                for stage in found[-1].stages
            ]
    figures.append(_ratio("restore, HRX ÷ cp", taken["HRX"], taken[copy.name], aim=RESTORE_TO_CP))
    if peer:
        figures.append(_ratio("restore, HRX ÷ pgBackRest", taken["HRX"], taken[peer.name]))
    figures += [
        Figure(what=f"rows that are missing or too many at the moment, {name}", value=count, unit="rows")
        for name, count in wrong.items()
    ]
    figures.append(
        Figure(what="RTO, HRX (worst)", value=max(one.wall_s for one in taken["HRX"]), unit="s", aim=RTO)
    )
    return Section(name="Restore to a moment", figures=figures)


def _writes(database: Database, ours: Ours, peer: Peer | None) -> Section:
    figures = []
    for way in _real(ours, peer):
        with load(database) as log:
            time.sleep(_BASELINE_S)
            began = len(_progress(log))
            way.back_up()
            ended = len(_progress(log))
            time.sleep(_BASELINE_S)
        before = transactions_per_s(log, first=1, last=began)
        during = transactions_per_s(log, first=began, last=max(ended, began + 1))
        after = transactions_per_s(log, first=ended + 1, last=ended + _BASELINE_S)
        figures.append(
            Figure(
                what=f"writes during a full backup ÷ without, {way.name}",
                value=during / max(1.0, (before + after) / 2),
                unit="",
                raw={"before": before, "during": during, "after": after},
            )
        )
    return Section(name="What a backup costs writers", figures=figures)


def _real(ours: Ours, peer: Peer | None) -> list[Ours | Peer]:
    return [ours, peer] if peer else [ours]


def _progress(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if line.startswith("progress:")]


def _loss(database: Database, ours: Ours, peer: Peer | None) -> Section:
    """Last of all, for there is no server afterwards."""
    database.execute("TRUNCATE ack")
    writer = Writer(database.url, _WRITES_A_SECOND)
    writer.start()
    time.sleep(15)
    lost_at = database.lose()
    writer.stop()
    figures = [Figure(what="commits acknowledged", value=len(writer.acknowledged), unit="")]
    for way in _real(ours, peer):
        with way.restored(to=None) as back:
            missing = _missing(back, writer)
            seconds = lost_at - min((at for _, at in missing), default=lost_at)
            aim = RPO if way is ours else None
            figures += [
                Figure(what=f"lost, {way.name}", value=len(missing), unit="commits"),
                Figure(what=f"lost, {way.name}", value=max(0.0, seconds), unit="s", aim=aim),
                Figure(what=f"until it was back, {way.name}", value=back.taken.wall_s, unit="s"),
            ]
    return Section(
        name="kill -9 of every process, then the data directory is gone",
        notes=(
            f"{_WRITES_A_SECOND:g} commits a second on one connection; archive_timeout 60 s for the peer",
        ),
        figures=figures,
    )


def _missing(back: Back, writer: Writer) -> list[tuple[int, float]]:
    row = ask(back.url, "SELECT array_agg(seq) FROM ack")
    there = set(row[0] or []) if row else set()  # type: ignore[call-overload]
    return [one for one in writer.acknowledged if one[0] not in there]


def _wrong_rows(back: Back, writer: Writer, *, at: float) -> int:
    """Against the writer's own record, leaving out what was under way in the moment itself."""
    row = ask(back.url, "SELECT array_agg(seq) FROM ack")
    there = set(row[0] or []) if row else set()  # type: ignore[call-overload]
    should = {sequence for sequence, when in writer.acknowledged if when <= at}
    missing = should - there
    extra = {one for one in there - should if one > max(should, default=0) + 1}
    return len(missing) + len(extra)


def _lines(what: str, taken: Sequence[Taken]) -> list[Figure]:
    wall = [one.wall_s for one in taken]
    lines = [
        Figure(what=what, value=statistics.median(wall), unit="s", raw={"wall_s": wall}),
        Figure(what="  CPU", value=statistics.median(one.cpu_s for one in taken), unit="s"),
    ]
    if taken[-1].stored_bytes:
        lines.append(Figure(what="  stored", value=taken[-1].stored_bytes / 1e6, unit="MB"))
    return lines


def _ratio(what: str, mine: Sequence[Taken], other: Sequence[Taken], *, aim: Aim | None = None) -> Figure:
    value = ratio_of_rounds([one.wall_s for one in mine], [one.wall_s for one in other])
    return Figure(what=what, value=value, unit="×", aim=aim)
