"""Panels of a dashboard as a page shows them: drawn, with a legend, or saying why there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from markupsafe import Markup

from hrx.kit import clock
from hrx.kit.errors import Language, Text
from hrx.ops.console.plots import (
    Frame,
    Plotted,
    draw_bars,
    draw_heat,
    draw_lines,
    draw_spark,
    make_frame,
)
from hrx.ops.observe.dashboards.asking import Answer, AnswerState, Asker, Question, Series
from hrx.ops.observe.dashboards.marks import Mark
from hrx.ops.observe.dashboards.resolving import (
    Threshold,
    list_alerts,
    list_expressions,
    list_thresholds,
    name_line,
    sop_of,
    worst_crossed,
)
from hrx.ops.observe.dashboards.spans import DEFAULT, Grid, Span, make_grid
from hrx.ops.observe.dashboards.values import QUARTERS, format_value
from hrx.ops.runbook.watch.content import Watch
from hrx.ops.runbook.watch.dashboards import Panel, PanelKind, Unit
from hrx.ops.runbook.watch.rules import AlertRule

#: More lines than colours cannot be told apart; the largest are shown.
_MOST: Final = 8
_ROWS: Final = 12


class PanelState(StrEnum):
    """What a panel has to show. EMPTY: Prometheus answers, and there is nothing."""

    DRAWN = "drawn"
    EMPTY = "empty"
    PENDING = "pending"
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the legend, or one row of a table. Figures are already words; `share` is 0 to 1."""

    name: str
    colour: int
    last: str
    low: str
    mean: str
    high: str
    crossed: str | None
    share: float
    spark: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class LineShown:
    """A threshold as the legend names it; `is_drawn` is false when it lies far above the drawing."""

    threshold: Threshold
    value: str
    is_drawn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelView:
    """One panel, ready to be put on a page."""

    panel: Panel
    state: PanelState
    says: Text | None
    picture: Markup
    frame: Frame | None
    labels_y: tuple[str, ...]
    rows: tuple[Row, ...]
    hidden: int
    lines: tuple[LineShown, ...]
    alerts: tuple[AlertRule, ...]
    sop: str | None


def view_panels(
    asker: Asker,
    watch: Watch,
    panels: Sequence[Panel],
    *,
    span: Span,
    end: datetime | None = None,
    marks: tuple[Mark, ...] = (),
    within_s: float,
    language: Language,
) -> list[PanelView]:
    """The panels over a span that ends at `end` (now). All questions are asked at once; what has no answer
    within `within_s` is PENDING."""
    moment = end or clock.now()
    grids = [make_grid(span, panel.kind, end=moment) for panel in panels]
    asked = [_ask_of(panel, watch, grid) for panel, grid in zip(panels, grids, strict=True)]
    answers = asker.ask([question for questions in asked for question in questions], within_s=within_s)
    views, at = [], 0
    for panel, grid, questions in zip(panels, grids, asked, strict=True):
        mine = answers[at : at + len(questions)]
        at += len(questions)
        views.append(_view(panel, watch, mine, grid=grid, marks=marks, language=language))
    return views


def plot(
    asker: Asker,
    expr: str,
    *,
    around: datetime,
    title: str,
    unit: Unit,
    span: Span = DEFAULT,
    thresholds: tuple[Threshold, ...] = (),
    marks: tuple[Mark, ...] = (),
    legend: str = "",
    within_s: float = 0.5,
    language: Language,
) -> Markup:
    """A small plot of one expression with `around` in its middle, or nothing when there is nothing to draw.

    It ends now when the other half of the span has not happened yet."""
    grid = make_grid(span, PanelKind.LINE, end=end_around(around, span))
    (answer,) = asker.ask([Question(expr=expr, grid=grid)], within_s=within_s)
    lines = [Plotted(name=name_line(legend, one.labels), values=one.values) for one in answer.series[:_MOST]]
    if not lines:
        return Markup("")
    frame = make_frame(lines, grid=grid, unit=unit, thresholds=thresholds, marks=marks, language=language)
    return draw_lines(frame, lines, label=title)


def end_around(moment: datetime, span: Span) -> datetime:
    """Where a span ends that has `moment` in its middle; never later than now."""
    return min(clock.now(), datetime.fromtimestamp(moment.timestamp() + span.seconds / 2, tz=moment.tzinfo))


def _ask_of(panel: Panel, watch: Watch, grid: Grid) -> list[Question]:
    is_now = panel.kind is PanelKind.TABLE
    return [
        Question(expr=expression, grid=None if is_now else grid)
        for expression in list_expressions(panel, watch, window_s=grid.window_s)
    ]


def _view(
    panel: Panel,
    watch: Watch,
    answers: Sequence[Answer],
    *,
    grid: Grid,
    marks: tuple[Mark, ...],
    language: Language,
) -> PanelView:
    thresholds = list_thresholds(panel, watch)
    lines = [
        Plotted(name=name_line(query.legend.in_language(language), series.labels), values=series.values)
        for query, answer in zip(panel.queries, answers, strict=True)
        for series in _in_order(answer.series)
    ]
    lines = [line for line in lines if any(value is not None for value in line.values)]
    state, says = _state_of(panel, answers, has_lines=bool(lines))
    shown = _largest_of(lines, panel.kind)
    frame = picture = None
    labels_y: tuple[str, ...] = ()
    if shown and panel.kind in (PanelKind.LINE, PanelKind.BAR, PanelKind.HEAT):
        frame, picture, labels_y = _draw(
            panel, shown, answers, grid=grid, thresholds=thresholds, marks=marks, language=language
        )
    return PanelView(
        panel=panel,
        state=state,
        says=says,
        picture=picture or Markup(""),
        frame=frame,
        labels_y=labels_y,
        rows=() if panel.kind is PanelKind.HEAT else _rows(panel, shown, thresholds, language=language),
        hidden=0 if panel.kind is PanelKind.HEAT else len(lines) - len(shown),
        lines=tuple(
            LineShown(
                threshold=one,
                value=format_value(one.value, panel.unit, language=language),
                is_drawn=frame is None or one.value <= frame.top,
            )
            for one in thresholds
        ),
        alerts=list_alerts(panel, watch),
        sop=sop_of(panel, watch),
    )


def _draw(
    panel: Panel,
    lines: Sequence[Plotted],
    answers: Sequence[Answer],
    *,
    grid: Grid,
    thresholds: tuple[Threshold, ...],
    marks: tuple[Mark, ...],
    language: Language,
) -> tuple[Frame, Markup, tuple[str, ...]]:
    rows = _cells(answers[0].series) if panel.kind is PanelKind.HEAT else lines
    frame = make_frame(
        rows,
        grid=grid,
        unit=panel.unit,
        thresholds=() if panel.kind is PanelKind.HEAT else thresholds,
        marks=marks,
        top=panel.top,
        is_stacked=panel.kind is PanelKind.BAR,
        language=language,
    )
    label = _describe(panel, lines, language=language)
    if panel.kind is PanelKind.HEAT:
        bounds = [format_value(_bound(row.name), panel.unit, language=language) for row in rows]
        marks_y = [round(len(bounds) * quarter / QUARTERS) for quarter in range(QUARTERS, -1, -1)]
        return (
            frame,
            draw_heat(frame, rows, label=label),
            tuple(bounds[at - 1] if at else "0" for at in marks_y),
        )
    draw = draw_bars if panel.kind is PanelKind.BAR else draw_lines
    return frame, draw(frame, lines, label=label), tuple(frame.labels_y())


def _describe(panel: Panel, lines: Sequence[Plotted], *, language: Language) -> str:
    """What somebody hears who does not see the drawing; the figures are in the table below it."""
    title = panel.title.in_language(language)
    if panel.kind is PanelKind.HEAT:
        return title
    names = ("、" if language == "ja" else ", ").join(line.name for line in lines)
    return f"{title}: {names}"


def _in_order(series: Sequence[Series]) -> list[Series]:
    """By name, so that a colour stays with its line when the page asks again."""
    return sorted(series, key=lambda one: sorted(one.labels.items()))


def _largest_of(lines: list[Plotted], kind: PanelKind) -> list[Plotted]:
    """At most as many lines as can be told apart, the largest; of a table the rows with the most first."""
    if kind is PanelKind.TABLE:
        return sorted(lines, key=lambda line: -(line.values[-1] or 0.0))[:_ROWS]
    if len(lines) <= _MOST or kind is PanelKind.HEAT:
        return lines
    kept = sorted(lines, key=lambda line: -max(value or 0.0 for value in line.values))[:_MOST]
    return [line for line in lines if line in kept]


def _rows(
    panel: Panel, lines: Sequence[Plotted], thresholds: tuple[Threshold, ...], *, language: Language
) -> tuple[Row, ...]:
    largest = max((line.values[-1] or 0.0 for line in lines), default=0.0)
    return tuple(
        _row(panel, line, number, thresholds, largest=largest, language=language)
        for number, line in enumerate(lines)
    )


def _row(
    panel: Panel,
    line: Plotted,
    number: int,
    thresholds: tuple[Threshold, ...],
    *,
    largest: float,
    language: Language,
) -> Row:
    known = [value for value in line.values if value is not None]
    # The very last moment may be ahead of its sample.
    last = next((value for value in reversed(line.values[-2:]) if value is not None), None)

    def said(value: float | None) -> str:
        return format_value(value, panel.unit, language=language)

    crossed = worst_crossed(last, thresholds)
    return Row(
        name=line.name,
        colour=number,
        last=said(last),
        low=said(min(known)),
        mean=said(sum(known) / len(known)),
        high=said(max(known)),
        crossed=crossed.value if crossed else None,
        share=max(0.0, (last or 0.0) / largest) if largest > 0 else 0.0,
        spark=draw_spark(line.values) if panel.kind is PanelKind.STAT else Markup(""),
    )


def _cells(series: Sequence[Series]) -> list[Plotted]:
    """Buckets as their own counts instead of running totals, the smallest first, empty ends cut off."""
    buckets = sorted(series, key=lambda one: _bound(one.labels.get("le", "+Inf")))
    rows: list[Plotted] = []
    below: Sequence[float | None] = ()
    for bucket in buckets:
        values = tuple(
            None if value is None else max(0.0, value - ((below[at] or 0.0) if below else 0.0))
            for at, value in enumerate(bucket.values)
        )
        rows.append(Plotted(name=bucket.labels.get("le", "+Inf"), values=values))
        below = bucket.values
    used = [at for at, row in enumerate(rows) if any(value for value in row.values)]
    return rows[max(0, used[0] - 1) : used[-1] + 2] if used else rows


def _bound(name: str) -> float:
    """The upper bound of a bucket: `0.5`, `+Inf`."""
    return float(name)


def _state_of(panel: Panel, answers: Sequence[Answer], *, has_lines: bool) -> tuple[PanelState, Text | None]:
    if has_lines:
        return PanelState.DRAWN, None
    for state, of in (
        (PanelState.SILENT, AnswerState.SILENT),
        (PanelState.PENDING, AnswerState.PENDING),
        (PanelState.REFUSED, AnswerState.REFUSED),
    ):
        found = next((answer for answer in answers if answer.state is of), None)
        if found is not None:
            return state, found.says
    if panel.fed_by is not None:
        return PanelState.EMPTY, Text(
            ja=f"まだ値はありません。{panel.fed_by.ja}とともに届きます。",
            en=f"No values yet; they come with {panel.fed_by.en}.",
        )
    return PanelState.EMPTY, None
