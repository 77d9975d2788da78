"""Dashboards of `runbook/watch/dashboards/*.yaml`: the same panels in Grafana and in the console."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hrx.kit.errors import NotFound, Text
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong


class Unit(StrEnum):
    """What a panel's numbers are."""

    SECONDS = "seconds"
    RATIO = "ratio"
    PER_SECOND = "per_second"
    BYTES = "bytes"
    BYTES_PER_SECOND = "bytes_per_second"
    COUNT = "count"
    DOLLARS = "dollars"
    #: A moment, shown as how long ago.
    MOMENT = "moment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One PromQL expression and the name of its lines; `legend` may name labels as `{{part}}`."""

    expr: str
    legend: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One plot. `limit` is drawn as a line; `fed_by` names the issue that brings its figures."""

    id: str
    title: Text
    says: Text | None
    unit: Unit
    queries: tuple[Query, ...]
    limit: float | None
    top: float | None
    fed_by: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One page of panels."""

    id: str
    order: int
    title: Text
    says: Text
    panels: tuple[Panel, ...]


def load_dashboards(folder: Path) -> tuple[Dashboard, ...]:
    """Every dashboard, in their own order. Raises ContentWrong."""
    found = [
        _read(as_node(read_yaml(path), place=path.name), path)
        for path in sorted((folder / "dashboards").glob("*.yaml"))
    ]
    return tuple(sorted(found, key=lambda dashboard: dashboard.order))


def get_dashboard(dashboards: tuple[Dashboard, ...], dashboard_id: str) -> Dashboard:
    """The dashboard with this id. Raises NotFound."""
    for dashboard in dashboards:
        if dashboard.id == dashboard_id:
            return dashboard
    raise NotFound(
        Text(ja=f"ダッシュボード {dashboard_id} はありません", en=f"There is no dashboard {dashboard_id}"),
        hint=Text(ja="/dashboards に一覧があります。", en="/dashboards lists them."),
        code="dashboard.not_found",
    )


def _read(node: Node, path: Path) -> Dashboard:
    order = node.values.get("order")
    if not isinstance(order, int):
        raise wrong(f"{node.place}.order", "must be a whole number")
    panels = tuple(_read_panel(item) for item in node.nodes("panels"))
    if not panels or len({panel.id for panel in panels}) != len(panels):
        raise wrong(f"{node.place}.panels", "needs panels, each with an id of its own")
    return Dashboard(
        id=path.stem, order=order, title=node.text("title"), says=node.text("says"), panels=panels
    )


def _read_panel(node: Node) -> Panel:
    try:
        unit = Unit(node.string("unit"))
    except ValueError as error:
        raise wrong(f"{node.place}.unit", f"must be one of {', '.join(Unit)}") from error
    queries = tuple(_read_query(item) for item in node.nodes("queries"))
    if not queries:
        raise wrong(f"{node.place}.queries", "is empty")
    return Panel(
        id=node.string("id"),
        title=node.text("title"),
        says=node.find_text("says"),
        unit=unit,
        queries=queries,
        limit=_read_number(node, "limit"),
        top=_read_number(node, "top"),
        fed_by=node.find_text("fed_by"),
    )


def _read_query(node: Node) -> Query:
    legend = node.values.get("legend")
    # A legend of labels alone reads the same in every language.
    said = Text(ja=legend, en=legend) if isinstance(legend, str) else node.text("legend")
    return Query(expr=node.string("expr"), legend=said)


def _read_number(node: Node, key: str) -> float | None:
    found = node.values.get(key)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise wrong(f"{node.place}.{key}", "must be a number")
    return float(found)
