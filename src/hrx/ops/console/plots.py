"""Plots as SVG, drawn by us: pages run no script of others and have no inline style.

The drawing stretches with its place and holds no words, for words would stretch too; labels of the axes, the
legend and the table of values stand beside it as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup, escape

from hrx.kit.errors import Language
from hrx.ops.observe.dashboards.marks import Mark, MarkKind
from hrx.ops.observe.dashboards.resolving import Threshold
from hrx.ops.observe.dashboards.spans import Grid
from hrx.ops.observe.dashboards.values import QUARTERS, find_top, format_value
from hrx.ops.runbook.watch.dashboards import Unit
from hrx.ops.runbook.watch.rules import Comparison

WIDTH: Final = 600
HEIGHT: Final = 160
#: Colours of lines; further series repeat them dashed.
COLOURS: Final = 8
#: A threshold so many times above everything measured would press the lines flat: it is named, not drawn.
_REACH: Final = 4.0
_TIPS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Plotted:
    """One named line: a value for each moment of the grid."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What all drawings of a panel share."""

    grid: Grid
    unit: Unit
    top: float
    thresholds: tuple[Threshold, ...]
    marks: tuple[Mark, ...]
    language: Language

    def x(self, at: int) -> float:
        return at * WIDTH / max(1, self.grid.size - 1)

    def y(self, value: float) -> float:
        return HEIGHT - min(max(value / self.top, 0.0), 1.0) * HEIGHT

    @property
    def drawn_thresholds(self) -> tuple[Threshold, ...]:
        return tuple(one for one in self.thresholds if one.value <= self.top)

    def labels_y(self) -> list[str]:
        """Labels of the upright axis, from the top down, evenly apart."""
        return [
            format_value(self.top * quarter / QUARTERS, self.unit, language=self.language)
            for quarter in range(QUARTERS, -1, -1)
        ]

    def labels_x(self) -> list[str]:
        """Five moments evenly apart, in the zone of this machine."""
        step = (self.grid.end_s - self.grid.start_s) / QUARTERS
        form = "%H:%M" if self.grid.end_s - self.grid.start_s <= 86_400 else "%m/%d %H:%M"
        return [_local(self.grid.start_s + step * at).strftime(form) for at in range(QUARTERS + 1)]


def make_frame(
    lines: Sequence[Plotted],
    *,
    grid: Grid,
    unit: Unit,
    thresholds: tuple[Threshold, ...] = (),
    marks: tuple[Mark, ...] = (),
    top: float | None = None,
    is_stacked: bool = False,
    language: Language,
) -> Frame:
    """The scale that holds every value, and every threshold that is not far above them."""
    largest = _largest(lines, is_stacked=is_stacked)
    reach = largest * _REACH if largest > 0 else min((one.value for one in thresholds), default=0.0)
    held = [one.value * 1.15 for one in thresholds if one.value <= max(reach, largest)]
    return Frame(
        grid=grid,
        unit=unit,
        top=top or find_top(max([largest, *held]), unit),
        thresholds=thresholds,
        marks=marks,
        language=language,
    )


def draw_lines(frame: Frame, lines: Sequence[Plotted], *, label: str) -> Markup:
    """Lines over time; where there is no value the line is broken."""
    shapes = "".join(_line(frame, line, number=at) for at, line in enumerate(lines))
    return _picture(frame, shapes, lines, label=label)


def draw_bars(frame: Frame, lines: Sequence[Plotted], *, label: str) -> Markup:
    """Stacked bars, the first series at the bottom."""
    width = WIDTH / frame.grid.size
    shapes: list[str] = []
    for at in range(frame.grid.size):
        base = 0.0
        for number, line in enumerate(lines):
            value = line.values[at]
            if not value or value < 0:
                continue
            high, low = frame.y(base + value), frame.y(base)
            base += value
            shapes.append(
                f'<rect class="p{number % COLOURS}" x="{at * width + width * 0.12:.1f}" y="{high:.1f}" '
                f'width="{width * 0.76:.1f}" height="{max(low - high, 0.6):.1f}"/>'
            )
    return _picture(frame, f'<g class="bars">{"".join(shapes)}</g>', lines, label=label)


def draw_heat(frame: Frame, rows: Sequence[Plotted], *, label: str) -> Markup:
    """Cells over time, the first row at the bottom; the more happened, the darker."""
    largest = _largest(rows, is_stacked=False)
    width, height = WIDTH / frame.grid.size, HEIGHT / max(1, len(rows))
    cells = []
    for number, row in enumerate(rows):
        for at, value in enumerate(row.values):
            if value and value > 0 and largest > 0:
                # The root: a rare slow answer must not vanish beside a thousand quick ones.
                shade = max(1, round((value / largest) ** 0.5 * 6))
                cells.append(
                    f'<rect class="h{shade}" x="{at * width:.1f}" y="{HEIGHT - (number + 1) * height:.1f}" '
                    f'width="{width + 0.2:.1f}" height="{height + 0.2:.1f}"/>'
                )
    return _picture(frame, f'<g class="heat">{"".join(cells)}</g>', (), label=label)


def draw_spark(values: Sequence[float | None]) -> Markup:
    """A line without axes, for a figure that stands beside it."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    top = max(*known, 0.0) or 1.0
    step = 100 / max(1, len(values) - 1)
    runs = _runs([(at * step, value) for at, value in enumerate(values)])
    lines = "".join(
        f'<polyline points="{" ".join(f"{x:.1f},{28 - max(value, 0) / top * 26:.1f}" for x, value in run)}"/>'
        for run in runs
    )
    # Numbers of ours only.
    return Markup(  # noqa: S704
        f'<svg class="statline" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">'
        f"{lines}</svg>"
    )


def _picture(frame: Frame, shapes: str, lines: Sequence[Plotted], *, label: str) -> Markup:
    layers = (
        *(_gridlines(), _zones(frame), _bands(frame), shapes, _limits(frame)),
        # Columns of tips lie over the drawing; marks over them, for they have a tip of their own.
        *(_tips(frame, lines), _mark_lines(frame)),
    )
    inside = "".join(layers)
    # Numbers of ours and escaped words only.
    return Markup(  # noqa: S704
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{inside}</svg>'
    )


def _line(frame: Frame, line: Plotted, *, number: int) -> str:
    runs = _runs([(frame.x(at), value) for at, value in enumerate(line.values)])
    dashed = " dashed" if number >= COLOURS else ""
    drawn = "".join(
        f'<polyline points="{" ".join(f"{x:.1f},{frame.y(value):.1f}" for x, value in run)}"/>'
        if len(run) > 1
        # A single value between two gaps would be a line without length.
        else f'<path d="M{run[0][0] - 1:.1f} {frame.y(run[0][1]):.1f}h2"/>'
        for run in runs
    )
    return f'<g class="line p{number % COLOURS}{dashed}">{drawn}</g>'


def _runs(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """The stretches without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, value in points:
        if value is None:
            runs.append([])
        else:
            runs[-1].append((x, value))
    return [run for run in runs if run]


def _gridlines() -> str:
    return "".join(
        f'<path class="grid" d="M0 {HEIGHT * at / QUARTERS:.1f}H{WIDTH}"/>' for at in range(QUARTERS + 1)
    )


def _zones(frame: Frame) -> str:
    """The side of a threshold on which things are wrong, faintly."""
    drawn = []
    for one in frame.drawn_thresholds:
        y = frame.y(one.value)
        if one.comparison is Comparison.ABOVE:
            drawn.append(f'<rect class="zone {one.severity}" y="0" width="{WIDTH}" height="{y:.1f}"/>')
        elif one.comparison is Comparison.BELOW:
            height = HEIGHT - y
            drawn.append(
                f'<rect class="zone {one.severity}" y="{y:.1f}" width="{WIDTH}" height="{height:.1f}"/>'
            )
    return "".join(drawn)


def _limits(frame: Frame) -> str:
    return "".join(
        f'<path class="limit {one.severity}" d="M0 {frame.y(one.value):.1f}H{WIDTH}"><title>'
        f"{escape(one.says.in_language(frame.language))}: "
        f"{format_value(one.value, frame.unit, language=frame.language)}</title></path>"
        for one in frame.drawn_thresholds
    )


def _bands(frame: Frame) -> str:
    """A faint band as long as an incident lasted."""
    drawn = []
    for mark in frame.marks:
        if mark.kind is not MarkKind.INCIDENT:
            continue
        start = frame.grid.place_of(mark.at) or 0.0
        end = frame.grid.place_of(mark.ends_at) if mark.ends_at else None
        left, right = start * WIDTH, (1.0 if end is None else end) * WIDTH
        drawn.append(
            f'<rect class="band" x="{left:.1f}" y="0" width="{max(right - left, 0.5):.1f}" '
            f'height="{HEIGHT}"/>'
        )
    return "".join(drawn)


def _mark_lines(frame: Frame) -> str:
    """A vertical line where something began."""
    drawn = []
    for mark in frame.marks:
        place = frame.grid.place_of(mark.at)
        if place is not None:
            said = escape(mark.says.in_language(frame.language))
            drawn.append(
                f'<path class="mark {mark.kind}" d="M{place * WIDTH:.1f} 0V{HEIGHT}"><title>'
                f"{_local(mark.at.timestamp()):%H:%M:%S} {said}</title></path>"
            )
    return "".join(drawn)


def _tips(frame: Frame, lines: Sequence[Plotted]) -> str:
    """Invisible columns whose title is the values at their moment: a tool-tip without a script."""
    if not lines:
        return ""
    count = min(_TIPS, frame.grid.size)
    width = WIDTH / count
    drawn = []
    for column in range(count):
        at = round(column * (frame.grid.size - 1) / max(1, count - 1))
        moment = _local(frame.grid.start_s + at * frame.grid.step_s)
        said = [f"{moment:%m/%d %H:%M:%S}"]
        said += [
            f"{line.name}: {format_value(line.values[at], frame.unit, language=frame.language)}"
            for line in lines
            if line.values[at] is not None
        ]
        text = escape("\n".join(said))
        drawn.append(
            f'<rect class="tip" x="{column * width:.1f}" y="0" width="{width:.1f}" height="{HEIGHT}">'
            f"<title>{text}</title></rect>"
        )
    return f'<g class="tips">{"".join(drawn)}</g>'


def _largest(lines: Sequence[Plotted], *, is_stacked: bool) -> float:
    if is_stacked:
        columns = zip(*(line.values for line in lines), strict=True)
        return max((sum(value or 0.0 for value in column) for column in columns), default=0.0)
    return max((value for line in lines for value in line.values if value is not None), default=0.0)


def _local(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC).astimezone()
