"""The time line of recovery as SVG: backups, what can be brought back, and moments to stop before.

One drawing for each lane, stretched over its place; words stand beside it. Marks are links for a pointer;
the list below the drawing has the same ones for keyboards and for readers without eyes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from markupsafe import Markup, escape

from hrx.kit.errors import Language, Text
from hrx.ops import words
from hrx.ops.recovery.basebackup import BackupKind
from hrx.ops.recovery.moments import Moment
from hrx.ops.recovery.standing import BackupStanding, Standing

_WIDTH: Final = 1000
_HEIGHT: Final = 28
_MIDDLE: Final = _HEIGHT // 2
_QUARTERS: Final = 4
#: A stretch shorter than this share of the drawing would not be seen.
_LEAST: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is shown: everything from `begin` to `end`."""

    begin: datetime
    end: datetime

    def holds(self, at: datetime) -> bool:
        return self.begin <= at <= self.end

    def x(self, at: datetime) -> float:
        """From 0 to the width; what lies outside is at the edge."""
        share = (at - self.begin) / (self.end - self.begin)
        return min(max(share, 0.0), 1.0) * _WIDTH

    def labels(self) -> list[str]:
        """Five moments evenly apart, in the zone of this machine."""
        step = (self.end - self.begin) / _QUARTERS
        form = "%H:%M" if self.end - self.begin <= timedelta(days=1) else "%m/%d"
        return [(self.begin + step * at).astimezone().strftime(form) for at in range(_QUARTERS + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One row of the time line: its name, what it shows in words, and the drawing."""

    key: str
    title: Text
    said: Text
    drawing: Markup


def href_of(target: str) -> str:
    """Where the restore to this moment is looked at first."""
    return f"/recovery/restore?to={quote(target, safe='')}"


def target_of(one: BackupStanding) -> str:
    """The moment at which a backup was complete, as `--to` takes it."""
    return one.backup.ended_at.isoformat(timespec="seconds")


def draw_lanes(
    standing: Standing, moments: Sequence[Moment], window: Window, *, language: Language, is_linked: bool
) -> list[Lane]:
    """From the widest to the finest: full backups, increments, coverage, versions, incidents, points.

    `is_linked`: marks lead to the restore; not for those who may only look."""
    shown = [one for one in standing.backups if window.holds(one.backup.ended_at)]
    full = [one for one in shown if one.backup.kind is BackupKind.FULL]
    increments = [one for one in shown if one.backup.kind is not BackupKind.FULL]
    seen = [one for one in moments if window.holds(one.at)]

    def backups_lane(key: str, title: Text, found: Sequence[BackupStanding]) -> Lane:
        marks = (_mark_backup(one, window, language=language, is_linked=is_linked) for one in found)
        return Lane(key=key, title=title, said=_say_backups(found), drawing=_svg(key, marks))

    def moments_lane(key: str, title: Text, *what: str) -> Lane:
        found = [one for one in seen if one.what in what]
        marks = (_mark_moment(one, window, language=language, is_linked=is_linked) for one in found)
        return Lane(key=key, title=title, said=_count(len(found)), drawing=_svg(key, marks))

    gaps = [one for one in standing.coverage.gaps if one.end >= window.begin and one.begin <= window.end]
    return [
        backups_lane("full", Text(ja="完全", en="Full backups"), full),
        backups_lane("increment", Text(ja="増分", en="Increments"), increments),
        Lane(
            key="coverage",
            title=Text(ja="戻せる期間", en="Restorable"),
            said=Text(ja=f"戻せない期間 {len(gaps)}", en=f"gaps: {len(gaps)}"),
            drawing=_svg("coverage", _bars(standing, window, language=language)),
        ),
        moments_lane("deploy", Text(ja="版と移行", en="Versions"), "deploy"),
        moments_lane("incident", Text(ja="障害", en="Incidents"), "incident"),
        moments_lane("point", Text(ja="印と切り替え", en="Points, switches"), "point", "switch"),
    ]


def _svg(key: str, shapes: Iterable[str]) -> Markup:
    drawn = "".join(shapes)
    # Numbers of ours and escaped names only.
    return Markup(  # noqa: S704
        f'<svg class="l-{key}" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true"><path class="rail" d="M0 {_MIDDLE}H{_WIDTH}"/>{drawn}</svg>'
    )


def _bars(standing: Standing, window: Window, *, language: Language) -> Iterable[str]:
    for one in standing.coverage.spans:
        yield _bar("covered", one.begin, one.end, window, said="")
    said = Text(ja="戻せません", en="cannot be brought back").in_language(language)
    for one in standing.coverage.gaps:
        yield _bar("gap", one.begin, one.end, window, said=said)


def _bar(name: str, begin: datetime, end: datetime, window: Window, *, said: str) -> str:
    if end < window.begin or begin > window.end:
        return ""
    x = window.x(begin)
    width = max(window.x(end) - x, _LEAST)
    told = f"{_clock(begin)} – {_clock(end)} {said}".strip()
    return f'<rect class="{name}" x="{x:.1f}" y="7" width="{width:.1f}" height="14">{_tip(told)}</rect>'


def _mark_backup(one: BackupStanding, window: Window, *, language: Language, is_linked: bool) -> str:
    state = words.find("backup_state", one.state).in_language(language)
    kind = words.find("backup_kind", one.backup.kind).in_language(language)
    dot = _dot(window.x(one.backup.ended_at), f"b-{one.state}")
    return _linked(
        dot,
        target_of(one) if is_linked else None,
        said=f"{_clock(one.backup.ended_at)} {kind}: {state}",
    )


def _mark_moment(one: Moment, window: Window, *, language: Language, is_linked: bool) -> str:
    x = window.x(one.at)
    line = f'<path class="reach" d="M{x:.1f} 3V25"/><path class="event m-{one.what}" d="M{x:.1f} 3V25"/>'
    return _linked(
        line,
        one.target if is_linked else None,
        said=f"{_clock(one.at)} {one.says.in_language(language)}",
    )


def _dot(x: float, name: str) -> str:
    """A line of no length with round ends stays round however the drawing is stretched."""
    d = f"M{x:.1f} {_MIDDLE}h0"
    return (
        f'<path class="reach" d="{d}"/><path class="dot {name}" d="{d}"/><path class="core {name}" d="{d}"/>'
    )


def _linked(shape: str, target: str | None, *, said: str) -> str:
    if target is None:
        return f"<g>{shape}{_tip(said)}</g>"
    return f'<a href="{escape(href_of(target))}" tabindex="-1">{shape}{_tip(said)}</a>'


def _tip(said: str) -> str:
    return f"<title>{escape(said)}</title>"


def _clock(at: datetime) -> str:
    return f"{at.astimezone():%m-%d %H:%M:%S}"


def _say_backups(found: Sequence[BackupStanding]) -> Text:
    proven = sum(1 for one in found if one.state == "proven")
    if not found:
        return _count(0)
    return Text(ja=f"{len(found)} 件、確認済み {proven}", en=f"{len(found)}, proven {proven}")


def _count(count: int) -> Text:
    return Text(ja=f"{count} 件", en=f"{count}")
