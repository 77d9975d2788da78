"""`hrx dashboards …`: the boards of `runbook/watch/dashboards` with their values now, in a terminal."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.options import AsJson
from hrx.cli.plane import opened
from hrx.kit.errors import Language, Text
from hrx.ops.observe.dashboards.resolving import (
    list_expressions,
    list_thresholds,
    name_line,
    worst_crossed,
)
from hrx.ops.observe.dashboards.values import format_value
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.watch.dashboards import Panel, get_dashboard
from hrx.ops.seams.http import AnsweredWrongly
from hrx.ops.seams.looking import LookFailed
from hrx.ops.seams.metrics import Sample, query

#: Rates of now look back this far.
_WINDOW_S: Final = 60.0
BoardId = Annotated[str, typer.Argument(help="The board's id, such as golden-signals.")]


def register(app: typer.Typer) -> None:
    """Add `hrx dashboards`."""
    group = typer.Typer(help="Dashboards: what the figures say now.", no_args_is_help=True)
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("check")(check)
    app.add_typer(group, name="dashboards")


def list_all(as_json: AsJson = False) -> None:
    """Every board with the number of its panels."""
    with opened() as plane:
        boards = plane.content.watch.dashboards
    if as_json:
        items = [
            {"id": one.id, "title": output.say(one.title), "panels": [panel.id for panel in one.panels]}
            for one in boards
        ]
        output.show_json({"items": items})
        return
    columns = (
        Text(ja="番号", en="Board"),
        Text(ja="題", en="Title"),
        Text(ja="図", en="Panels"),
        Text(ja="何が分かるか", en="What it tells"),
    )
    output.show_table(
        columns,
        [[one.id, output.say(one.title), str(len(one.panels)), output.say(one.says)] for one in boards],
    )


def show(board: BoardId, as_json: AsJson = False) -> None:
    """The values of a board now, with what crosses the line of its alert. Exit code 1 when one does."""
    with opened() as plane:
        found = get_dashboard(plane.content.watch.dashboards, board)
        rows = [row for panel in found.panels for row in _ask(plane, panel)]
    if as_json:
        output.show_json({"id": found.id, "items": rows})
    else:
        columns = (
            Text(ja="図", en="Panel"),
            Text(ja="系列", en="Series"),
            Text(ja="いま", en="Now"),
            Text(ja="線を超えた", en="Over the line"),
        )
        cells = [[row["panel"], row["series"], row["now"], row["crossed"] or ""] for row in rows]
        output.show_table(columns, cells)
    if any(row["crossed"] for row in rows):
        raise typer.Exit(output.FAILED)


def check(as_json: AsJson = False) -> None:
    """Ask Prometheus every question of every board. Exit code 1 when it refuses one."""
    refused: list[dict[str, str]] = []
    with opened() as plane:
        url = plane.settings.prometheus_url.rstrip("/")
        asked = 0
        for board in plane.content.watch.dashboards:
            for panel in board.panels:
                for expr in list_expressions(panel, plane.content.watch, window_s=_WINDOW_S):
                    asked += 1
                    try:
                        query(plane.http, url, expr)
                    except AnsweredWrongly as error:
                        refused.append(
                            {"panel": f"{board.id}/{panel.id}", "expr": expr, "says": output.say(error.why)}
                        )
    if as_json:
        output.show_json({"asked": asked, "refused": refused})
    else:
        for one in refused:
            print(f"✗ {one['panel']}: {one['says']}\n  {one['expr']}")
        count = len(refused)
        said = Text(ja=f"{asked} 件の問い合わせ、拒否 {count} 件", en=f"{asked} questions, {count} refused")
        print(output.say(said))
    if refused:
        raise typer.Exit(output.FAILED)


def _ask(plane: Plane, panel: Panel) -> list[dict[str, str]]:
    language: Language = plane.settings.language
    watch, url = plane.content.watch, plane.settings.prometheus_url.rstrip("/")
    lines = list_thresholds(panel, watch)
    rows: list[dict[str, str]] = []
    expressions = list_expressions(panel, watch, window_s=_WINDOW_S)
    for asked, expr in zip(panel.queries, expressions, strict=True):
        try:
            samples: tuple[Sample, ...] = query(plane.http, url, expr)
        except LookFailed as error:
            rows.append(_row(panel, "–", output.say(error.why), ""))
            continue
        if not samples:
            nothing = panel.fed_by or Text(ja="値なし", en="no value")
            rows.append(_row(panel, "–", output.say(nothing), ""))
        for sample in samples:
            crossed = worst_crossed(sample.value, lines)
            rows.append(
                _row(
                    panel,
                    name_line(output.say(asked.legend), sample.labels),
                    format_value(sample.value, panel.unit, language=language),
                    crossed.value if crossed else "",
                )
            )
    return rows


def _row(panel: Panel, series: str, now: str, crossed: str) -> dict[str, str]:
    return {"panel": output.say(panel.title), "series": series, "now": now, "crossed": crossed}
