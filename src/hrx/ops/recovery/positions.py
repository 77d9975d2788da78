"""How much would be lost if the database were gone this second: what it wrote against what was received.

The server is asked each second (a sample); the receiver says how far it has flushed. A commit is lost when
its record lies behind that. With the server gone, the samples still say what is known, and since when nobody
knows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.ops.recovery.records import list_received, partial_of
from hrx.ops.recovery.wal import format_lsn, parse_lsn

#: Every sample of the last minutes, then ever fewer: an outage of the receiver may last for days.
_ALL_FOR: Final = timedelta(minutes=2)
_THINNED: Final = ((timedelta(hours=1), timedelta(seconds=10)), (timedelta(days=8), timedelta(minutes=10)))
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The server at one moment. `flushed`: whatever was committed by `at` lies before this position.

    `finished`: the first transaction number that was not over (`pg_snapshot_xmax`), `running`: how many below
    it were not. Together they bound the commits between two samples from above."""

    at: datetime
    flushed: int
    finished: int
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRisk:
    """What would be lost now. `seconds`: whatever was committed longer ago is safe; `commits`: at most so
    many are not, of those up to `as_of` (None: nobody counted them).

    `is_known` False: nothing that was ever sampled is covered, and `seconds` is a lower bound."""

    seconds: float
    commits: int | None
    as_of: datetime
    is_known: bool = True

    def unseen_s(self, now: datetime) -> float:
        """For how long nobody has known what the server committed."""
        return max(0.0, (now - self.as_of).total_seconds())


def find_at_risk(samples: Sequence[Sample], *, received: int | None, now: datetime) -> AtRisk | None:
    """Against a copy that holds everything before `received`. Samples in order of time; None without any.

    Rigorous: a commit that was over by a sample lies before its `flushed`; one that was not has a number of
    at least `finished`, or was among the `running`."""
    if not samples:
        return None
    newest = samples[-1]
    covered = next(
        (one for one in reversed(samples) if received is not None and one.flushed <= received), None
    )
    if covered is None:
        first = samples[0]
        return AtRisk(seconds=(now - first.at).total_seconds(), commits=None, as_of=newest.at, is_known=False)
    commits = 0 if covered is newest else newest.finished - covered.finished + covered.running
    return AtRisk(
        seconds=max(0.0, (now - covered.at).total_seconds()), commits=max(0, commits), as_of=newest.at
    )


def thin_samples(samples: Sequence[Sample], *, now: datetime) -> list[Sample]:
    """All of the last minutes, fewer of what is older; never the newest of a step, which covers most."""
    kept: list[Sample] = []
    taken: set[tuple[int, int]] = set()
    for one in reversed(samples):
        age = now - one.at
        if age <= _ALL_FOR:
            kept.append(one)
            continue
        for number, (until, step) in enumerate(_THINNED):
            slot = (number, int(one.at.timestamp() // step.total_seconds()))
            if age <= until:
                if slot not in taken:
                    taken.add(slot)
                    kept.append(one)
                break
    return kept[::-1]


def find_received_end(directory: Path) -> int | None:
    """How far the receiver's files are filled, read from the files themselves; None when it has none.

    PostgreSQL pads the file that is being filled with zeros, so the last other byte is the end."""
    whole, filling = list_received(directory)
    ends = [whole[-1].end] if whole else []
    if filling is not None:
        length = _filled_bytes(partial_of(directory / filling.name))
        ends.append(filling.start + length if length else filling.start)
    return max(ends, default=None)


def _filled_bytes(path: Path) -> int:
    try:
        with path.open("rb") as file:
            at = file.seek(0, os.SEEK_END)
            while at > 0:
                size = min(_BLOCK, at)
                file.seek(at - size)
                filled = file.read(size).rstrip(b"\0")
                if filled:
                    return at - size + len(filled)
                at -= size
    except FileNotFoundError:
        pass
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What was last known of the living database, kept outside every data directory.

    `flushed_lsn`: the server's own; `received_lsn`: the receiver's (None: no receiver is there). `answers`:
    whether the server answered at `looked_at`; `seen_at` is when it last did. `covered_*`: the newest sample
    that the receiver holds."""

    system_identifier: str
    timeline: int
    checkpoint_lsn: int
    flushed_lsn: int
    received_lsn: int | None
    seen_at: datetime
    looked_at: datetime
    answers: bool
    is_receiving: bool
    slot_state: str | None
    samples: tuple[Sample, ...] = ()


#: Samples that the file carries over a restart of the keeper, and for whoever reads it.
_CARRIED: Final = 120
_LSNS: Final = ("checkpoint_lsn", "flushed_lsn", "received_lsn")
_MOMENTS: Final = ("seen_at", "looked_at")


def write_position(path: Path, position: Position) -> None:
    """Whole or not at all."""
    told: dict[str, object] = {
        name: getattr(position, name) for name in Position.__dataclass_fields__ if name != "samples"
    }
    for name in _LSNS:
        at = getattr(position, name)
        told[name] = None if at is None else format_lsn(at)
    told["samples"] = [
        [one.at, format_lsn(one.flushed), one.finished, one.running] for one in _carry(position.samples)
    ]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    fresh.write_bytes(orjson.dumps(told))
    fresh.rename(path)


def read_position(path: Path) -> Position | None:
    """None when there is none, or it is no such file."""
    try:
        told: dict[str, Any] = orjson.loads(path.read_bytes())
        for name in _LSNS:
            told[name] = None if told[name] is None else parse_lsn(told[name])
        for name in _MOMENTS:
            told[name] = datetime.fromisoformat(told[name])
        told["samples"] = tuple(
            Sample(at=datetime.fromisoformat(at), flushed=parse_lsn(lsn), finished=finished, running=running)
            for at, lsn, finished, running in told["samples"]
        )
        return Position(**{name: told[name] for name in Position.__dataclass_fields__})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _carry(samples: Sequence[Sample]) -> Iterable[Sample]:
    """The newest ones; of what is older, evenly few."""
    if len(samples) <= _CARRIED:
        return samples
    older, newer = samples[: -_CARRIED // 2], samples[-_CARRIED // 2 :]
    step = -(-len(older) // (_CARRIED // 2))
    return [*older[::step], *newer]
