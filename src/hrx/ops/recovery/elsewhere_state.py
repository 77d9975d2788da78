"""What is known of the copy elsewhere, how its files are named, and what retention may take there."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

from hrx.kit.errors import Text
from hrx.ops.recovery.places import FileNotThere, Folder
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.wal import Segment, parse_lsn

FACTS: Final = "/backup.json"
_TAIL: Final = re.compile(
    r"tail/(?P<segment>[0-9A-F]{24})-(?P<start>[0-9A-F]{16})-(?P<end>[0-9A-F]{16})-(?P<at>\d+)"
)
_SEGMENT_NAME: Final = re.compile(r"wal/[0-9A-F]{8}/(?P<segment>[0-9A-F]{24})-\d+")
_BASE_NAME: Final = re.compile(r"(?:base|proofs)/(?P<id>[^/]+)/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """A piece of a file that is not full yet: the bytes from `start` to `end` (positions), copied at `at`.

    Pieces and not the whole each time: an idle system would send a megabyte every few seconds."""

    segment: Segment
    start: int
    end: int
    at: datetime

    @property
    def name(self) -> str:
        return f"tail/{self.segment.name}-{self.start:016X}-{self.end:016X}-{int(self.at.timestamp())}"

    @classmethod
    def parse(cls, name: str) -> Tail | None:
        found = _TAIL.fullmatch(name)
        segment = Segment.parse(found["segment"]) if found else None
        if not found or segment is None:
            return None
        at = datetime.fromtimestamp(int(found["at"]), tz=UTC)
        return cls(segment=segment, start=int(found["start"], 16), end=int(found["end"], 16), at=at)


def join_tails(tails: Iterable[Tail], segment: Segment) -> list[Tail]:
    """The pieces that make up the segment from its first byte without a gap, as far as they go."""
    pieces = sorted((one for one in tails if one.segment == segment), key=lambda one: one.end)
    joined: list[Tail] = []
    covered = segment.start
    while reaching := [one for one in pieces if one.start <= covered < one.end]:
        joined.append(reaching[-1])
        covered = reaching[-1].end
    return joined


@dataclass(frozen=True, slots=True, kw_only=True)
class ElsewhereState:
    """What is known of the copy. `covered_at`: every commit that had been received by then is elsewhere, up
    to position `covered_to`; `copied_at`: when the rest of the vault was last all there. `waiting`: files
    still to be sent; `differing`: those that are here and there, but not of one size; `undeletable`: files
    that retention would have removed."""

    where: str
    covered_at: datetime | None = None
    covered_to: int | None = None
    copied_at: datetime | None = None
    files: int = 0
    stored_bytes: int = 0
    waiting: int = 0
    differing: tuple[str, ...] = ()
    undeletable: int = 0
    problem: Text | None = None


def state_file_of(site: Site) -> Path:
    return site.layout.recovery / "elsewhere.json"


def read_state(path: Path) -> ElsewhereState | None:
    """What was last known of the copy; None when nothing is, also when the file is no such thing."""
    try:
        told = orjson.loads(path.read_bytes())
        moments = {
            name: datetime.fromisoformat(told[name]) if told[name] else None
            for name in ("covered_at", "copied_at")
        }
        problem = Text(**told["problem"]) if told["problem"] else None
        return ElsewhereState(
            **{**told, **moments, "problem": problem, "differing": tuple(told["differing"])}
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_state(path: Path, state: ElsewhereState) -> None:
    """Whole or not at all; it is told anew every few seconds, so it need not survive a power cut."""
    told = {name: getattr(state, name) for name in ElsewhereState.__dataclass_fields__}
    told["problem"] = {"ja": state.problem.ja, "en": state.problem.en} if state.problem else None
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.new")
    fresh.write_bytes(orjson.dumps(told))
    fresh.rename(path)


def content_name(stored: str) -> str:
    return stored.removesuffix(".zst.age")


def segment_of(stored: str) -> Segment | None:
    found = _SEGMENT_NAME.fullmatch(content_name(stored))
    return Segment.parse(found["segment"]) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """The oldest full backup here: what is older is of no use to anything newer."""

    backup_id: str
    segment: Segment


def find_horizon(folder: Folder, here: set[str], *, window: datetime) -> Horizon | None:
    for name in sorted(name for name in here if name.startswith("base/") and name.endswith(FACTS)):
        try:
            with folder.reading(name) as file:
                facts = orjson.loads(file.read())
        except FileNotThere:
            continue
        if facts["kind"] == "full":
            if datetime.fromisoformat(facts["ended_at"]) > window:
                return None
            segment = Segment.at(int(facts["timeline"]), parse_lsn(facts["start"]))
            return Horizon(backup_id=str(facts["id"]), segment=segment)
    return None


def is_before(name: str, horizon: Horizon, *, window: datetime) -> bool:
    """Of change records and backups only; the other folders say themselves what is to go."""
    found = _BASE_NAME.match(name)
    if found:
        return found["id"] < min(horizon.backup_id, f"{window:%Y%m%dT%H%M%S}")
    segment = segment_of(name)
    if segment is None:
        return False
    received = int(content_name(name).rpartition("-")[2])
    is_older = segment.number < horizon.segment.number and segment.timeline <= horizon.segment.timeline
    return is_older and received < window.timestamp()
