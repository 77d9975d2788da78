"""Which database belongs here: what is remembered of it outside its data directory, and what is refused.

A database that came up empty looks healthy; nothing that watches it would say a word. So a data directory is
made only when nothing knows an older one, and one that is not what was last seen here is not started."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from hrx.kit.errors import Refused, Text

#: The smallest moment, for memories that know none.
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
#: PostgreSQL's own sizes of change records: a page, a file, and files by which names are counted on.
_PAGE: Final = 8192
_SEGMENT: Final = 16 * 1024 * 1024
_PER_LOG: Final = 256
_BEGIN_ANEW: Final = "hrx recover begin-anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One memory of a database. `where` says who remembers it; the rest is what is remembered, and None what
    is not. `position` is how far its change records went, in bytes."""

    where: Text
    system_identifier: str | None = None
    timeline: int | None = None
    position: int | None = None
    at: datetime | None = None


class Memory(Protocol):
    """What remembers the database outside its data directory."""

    def last_seen(self) -> Known | None:
        """The state in which it was last seen running, by its own word; quick, asked at every start."""

    def recall(self) -> list[Known]:
        """Everything that knows one; asked before one is created or taken over."""


class Nothing:
    """No memory at all: for databases that nobody relies on, such as those of tests."""

    def last_seen(self) -> Known | None:
        return None

    def recall(self) -> list[Known]:
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What a data directory says of itself (pg_controldata). `is_at_rest`: it was shut down in order, so that
    nothing comes after its checkpoint."""

    system_identifier: str
    timeline: int
    checkpoint: int
    is_at_rest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """The file beside a data directory: which system is there, and since when, if it was put there by us.

    `placed_at`: a restore or a switch of ours put it there then, so that it may be older than what was seen
    before."""

    system_identifier: str
    placed_at: datetime | None = None

    @classmethod
    def read(cls, path: Path) -> Marker | None:
        """None when there is none; an empty one names no system."""
        try:
            first, *rest = path.read_text().split("\n")
        except FileNotFoundError:
            return None
        placed = next((line.removeprefix("placed ") for line in rest if line.startswith("placed ")), None)
        try:
            at = datetime.fromisoformat(placed) if placed else None
        except ValueError:
            at = None
        return cls(system_identifier=first.strip(), placed_at=at)

    def __str__(self) -> str:
        placed = f"placed {self.placed_at.isoformat()}\n" if self.placed_at else ""
        return f"{self.system_identifier}\n{placed}"


def parse_control(said: str) -> Control | None:
    """What pg_controldata printed; None when it is not that."""
    found = [
        re.search(rf"^{re.escape(name)}:\s+(\S+)", said, re.M)
        for name in (
            "Database system identifier",
            "Latest checkpoint's TimeLineID",
            "Latest checkpoint location",
        )
    ]
    at_rest = re.search(r"^Database cluster state:\s+shut down$", said, re.M)
    words = [one.group(1) for one in found if one]
    if len(words) != len(found):
        return None
    high, _, low = words[2].partition("/")
    return Control(
        system_identifier=words[0],
        timeline=int(words[1]),
        checkpoint=int(high, 16) << 32 | int(low, 16),
        is_at_rest=at_rest is not None,
    )


def reaches(data_dir: Path, control: Control, position: int) -> bool:
    """Whether the change records of a data directory go as far as this position of its timeline."""
    if control.checkpoint >= position:
        return True
    if control.is_at_rest:
        return False
    # Files for later records are made ahead, out of old ones; but each page says which it is.
    page = (position - 1) // _PAGE * _PAGE
    number, offset = divmod(page, _SEGMENT)
    name = f"{control.timeline:08X}{number // _PER_LOG:08X}{number % _PER_LOG:08X}"
    try:
        with (data_dir / "pg_wal" / name).open("rb") as file:
            file.seek(offset + 8)
            return int.from_bytes(file.read(8), "little") == page
    except OSError:
        return False


def require_unknown(data_dir: Path, known: Sequence[Known]) -> None:
    """Raises Refused when a database that something knows would be replaced by an empty one."""
    if not known:
        return
    ja, en = _tell(known)
    system = _system_of(known)
    begin = f"`{_BEGIN_ANEW} {system or 'unknown'}`"
    raise Refused(
        Text(
            ja=f"データベースの本体 {data_dir} がありません。{ja}。"
            "空のデータベースで置き換えることはしません。",
            en=f"The database files {data_dir} are gone. {en}. They are not replaced by an empty database.",
        ),
        hint=Text(
            ja="取り戻すには `hrx recover restore --to latest`。データを使わずに始めると決めたときだけ "
            f"{begin} のあと `make up`(古いものは消さずに脇へ移します)。",
            en="To get it back: `hrx recover restore --to latest`. Only if you decided to begin without that "
            f"data: {begin}, then `make up` (what is old is set aside, not deleted).",
        ),
        code="postgres.data_lost",
    )


def require_known(data_dir: Path, control: Control, known: Sequence[Known]) -> None:
    """Raises Refused when the data is another system's than the one that is remembered."""
    systems = {one.system_identifier for one in known if one.system_identifier}
    if not systems or control.system_identifier in systems:
        return
    ja, en = _tell(known)
    begin = f"`{_BEGIN_ANEW} {_system_of(known)} --keep-data`"
    raise Refused(
        Text(
            ja=f"{data_dir} は別のデータベースです(システム {control.system_identifier})。{ja}。",
            en=f"{data_dir} is another database (system {control.system_identifier}). {en}.",
        ),
        hint=Text(
            ja="元のデータベースを戻すには `hrx recover restore --to latest`。"
            f"意図した入れ替えであれば {begin} のあと `make up`(データ本体はそのまま使います)。",
            en="To get the right one back: `hrx recover restore --to latest`. If you exchanged it on "
            f"purpose: {begin}, then `make up`.",
        ),
        code="postgres.other_system",
    )


def require_not_older(data_dir: Path, control: Control, marker: Marker, seen: Known | None) -> None:
    """Raises Refused when the data is of an earlier moment than what was last seen running here, and no
    restore of ours put it there."""
    if seen is None or seen.system_identifier != control.system_identifier:
        return
    if seen.timeline is None or seen.position is None:
        return
    if control.timeline > seen.timeline:
        return
    if control.timeline == seen.timeline and reaches(data_dir, control, seen.position):
        return
    if marker.placed_at is not None and marker.placed_at >= (seen.at or _NEVER):
        return
    # Of one that was not shut down in order, no more is known.
    now = f"{format_position(control.checkpoint)} / {control.timeline}"
    then = f"{format_position(seen.position)} / {seen.timeline}"
    begin = f"`{_BEGIN_ANEW} {control.system_identifier} --keep-data`"
    at = f"{seen.at:%Y-%m-%d %H:%M:%S} UTC" if seen.at else "?"
    raise Refused(
        Text(
            ja=f"{data_dir} は、最後に見たデータベースより古いものです"
            f"(位置 / 系列: 今 {now}、{at} には {then})。起動すると、その間の変更が失われます。",
            en=f"{data_dir} is older than the database that was last seen here (position / timeline: {now} "
            f"now, {then} at {at}). Started, it would lose what was written in between.",
        ),
        hint=Text(
            ja="最新まで戻すには `hrx recover restore --to latest`。古い状態で始めると決めたときだけ "
            f"{begin} のあと `make up`。",
            en="To get all of it back: `hrx recover restore --to latest`. Only if you decided to go on from "
            f"the older state: {begin}, then `make up`.",
        ),
        code="postgres.data_older",
    )


def format_position(position: int) -> str:
    """As PostgreSQL writes it."""
    return f"{position >> 32:X}/{position & 0xFFFF_FFFF:X}"


def _system_of(known: Sequence[Known]) -> str | None:
    """The system of the newest memory that names one."""
    named = [one for one in known if one.system_identifier]
    return max(named, key=lambda one: one.at or _NEVER).system_identifier if named else None


def _tell(known: Sequence[Known]) -> tuple[str, str]:
    """What is remembered, newest first, in ja and en."""
    system = _system_of(known)
    ja, en = [], []
    for one in sorted(known, key=lambda one: one.at or _NEVER, reverse=True):
        facts = []
        if one.system_identifier and one.system_identifier != system:
            facts.append(one.system_identifier)
        if one.position is not None:
            facts.append(format_position(one.position))
        if one.at is not None:
            facts.append(f"{one.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
        ja.append(one.where.ja + (f"({'、'.join(facts)})" if facts else ""))
        en.append(one.where.en + (f" ({', '.join(facts)})" if facts else ""))
    which_ja = f"システム {system} を" if system else "以前のデータベースを"
    which_en = f"System {system}" if system else "An older database"
    return (
        f"{which_ja}次のものが覚えています: " + "、".join(ja),
        f"{which_en} is remembered by: " + ", ".join(en),
    )
