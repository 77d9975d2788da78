"""What a person calls a moment, and which one that is: a time, a position, a named point, "before" something.

Everything comes down to a time or a position, and is told back with the last transaction before it, so that
nobody restores to a moment that they did not mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hrx.kit.errors import Invalid, NotFound, Text
from hrx.ops.recovery.planning import Stock, Target, list_arrivals, list_line
from hrx.ops.recovery.points import find_point
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.transactions import Commit, find_last_before, list_commits
from hrx.ops.recovery.wal import format_lsn, parse_lsn

#: A time without a zone is the company's.
ZONE: Final = ZoneInfo("Asia/Tokyo")
_BEFORE: Final = re.compile(r"before[ :](?P<what>transaction|deploy|incident|migration)[ :](?P<name>\S+)")
_POSITION: Final = re.compile(r"(?:lsn:)?(?P<lsn>[0-9A-Fa-f]+/[0-9A-Fa-f]+)")
#: How far from a moment its transactions are looked for: records arrive in files of 16 MiB.
_LOOK_AROUND: Final = 2
_WAYS: Final = Text(
    ja="`latest`、`2026-11-26T14:05:00+09:00`、`lsn:0/3000060`、`point:名前`、"
    "`before transaction 745`、`before deploy 8a338cc`、`before incident 12` のいずれかです。",
    en="One of `latest`, `2026-11-26T14:05:00+09:00`, `lsn:0/3000060`, `point:NAME`, "
    "`before transaction 745`, `before deploy 8a338cc`, `before incident 12`.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What was meant: the target, in words, and the last transaction that it keeps (None: not found)."""

    target: Target
    words: Text
    last: Commit | None = None


#: Gives the moment before which to stop, for what the ledger knows (deploy, incident, migration), or None.
FindMoment = Callable[[str, str], datetime | None]


def understand(site: Site, stock: Stock, said: str, *, find_moment: FindMoment) -> Meant:
    """The moment that `said` means. Raises Invalid, NotFound; whether it can be restored, the plan says."""
    said = said.strip()
    if said == "latest":
        return Meant(
            target=Target(), words=Text(ja="最新", en="the newest there is"), last=_newest(site, stock)
        )
    if found := _BEFORE.fullmatch(said):
        if found["what"] == "transaction":
            return _before_transaction(site, stock, found["name"])
        return _before_event(site, stock, found["what"], found["name"], find_moment=find_moment)
    if said.startswith("point:"):
        point = find_point(site.folder, said.removeprefix("point:"))
        words = Text(ja=f"復元ポイント {point.name}", en=f"restore point {point.name}")
        return Meant(
            target=Target(lsn=point.position), words=words, last=_last_before(site, stock, point.made_at)
        )
    if found := _POSITION.fullmatch(said):
        words = Text(ja=f"位置 {found['lsn']}", en=f"position {found['lsn']}")
        return Meant(target=Target(lsn=parse_lsn(found["lsn"])), words=words)
    moment = read_time(said)
    return Meant(target=Target(time=moment), words=say_moment(moment), last=_last_before(site, stock, moment))


def read_time(said: str) -> datetime:
    """An ISO 8601 time; without a zone it is Tokyo's. Raises Invalid."""
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        raise Invalid(
            Text(ja=f"「{said}」がどの時点か分かりません", en=f"“{said}” names no moment"),
            hint=_WAYS,
            code="recovery.unknown_moment",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)


def say_moment(moment: datetime) -> Text:
    """The moment in Tokyo and in UTC, for both are on the clocks of those who read it."""
    local, utc = moment.astimezone(ZONE), moment.astimezone(ZoneInfo("UTC"))
    shown = f"{local:%Y-%m-%d %H:%M:%S}"
    return Text(ja=f"{shown} 日本時間({utc:%H:%M:%S} UTC)", en=f"{shown} Tokyo time ({utc:%H:%M:%S} UTC)")


def say_last(commit: Commit | None) -> Text:
    """The last transaction that stays, in words."""
    if commit is None:
        return Text(ja="最後の取引: 不明", en="last transaction: not known")
    at = say_moment(commit.at)
    fraction = f"{commit.at:%f}"[:3]
    return Text(
        ja=f"残る最後の取引: {commit.xid} 番、{at.ja}、{fraction} ミリ秒",
        en=f"last transaction kept: number {commit.xid}, {at.en}, {fraction} ms",
    )


def _before_transaction(site: Site, stock: Stock, name: str) -> Meant:
    if not name.isdigit():
        raise Invalid(
            Text(ja=f"{name} は取引の番号ではありません", en=f"{name} is no number of a transaction"),
            hint=_WAYS,
            code="recovery.unknown_moment",
        )
    xid = int(name)
    for commits in _walk_back(site, stock):
        for before, one in zip([None, *commits], commits, strict=False):
            if one.xid == xid:
                return Meant(
                    target=Target(lsn=one.position, is_before=True),
                    words=Text(
                        ja=f"取引 {xid} の直前({format_lsn(one.position)})",
                        en=f"just before transaction {xid} ({format_lsn(one.position)})",
                    ),
                    last=before,
                )
    raise NotFound(
        Text(ja=f"変更記録に取引 {xid} がありません", en=f"The change records hold no transaction {xid}"),
        hint=Text(
            ja="`hrx recover transactions` で一覧できます。", en="`hrx recover transactions` lists them."
        ),
        code="recovery.no_transaction",
    )


def _before_event(site: Site, stock: Stock, what: str, name: str, *, find_moment: FindMoment) -> Meant:
    moment = find_moment(what, name)
    if moment is None:
        raise NotFound(
            Text(ja=f"{what} {name} は台帳にありません", en=f"The ledger knows no {what} {name}"),
            hint=Text(ja="`hrx recover moments` で一覧できます。", en="`hrx recover moments` lists them."),
            code="recovery.no_such_event",
        )
    before = moment - timedelta(microseconds=1)
    at = say_moment(before)
    return Meant(
        target=Target(time=before),
        words=Text(ja=f"{what} {name} の直前、{at.ja}", en=f"just before {what} {name}, {at.en}"),
        last=_last_before(site, stock, before),
    )


def _newest(site: Site, stock: Stock) -> Commit | None:
    return next((commits[-1] for commits in _walk_back(site, stock) if commits), None)


def _last_before(site: Site, stock: Stock, moment: datetime) -> Commit | None:
    """Looked for in the files that arrived around then."""
    segments = stock.segments
    at = next((n for n, came in enumerate(list_arrivals(segments)) if came > moment), len(segments))
    around = segments[max(0, at - _LOOK_AROUND) : at + 1]
    tail = stock.tail if at >= len(segments) else None
    return find_last_before(list_commits(site, around, tail=tail), moment)


def _walk_back(site: Site, stock: Stock) -> Iterator[list[Commit]]:
    """Commits file by file, the newest file first."""
    line = list_line(stock)
    if stock.tail is not None:
        yield list_commits(site, line[-1:], tail=stock.tail)
    for one in reversed(line):
        yield list_commits(site, [one])
