"""Dashboards of `runbook/watch/dashboards/*.yaml`: the same panels in Grafana and in the console.

A line drawn across a panel is never a number of the panel's own: it refers to an alert rule or to an SLO, so
that what is seen to be crossed is what alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from hrx.kit.errors import NotFound, Text
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong
from hrx.ops.runbook.watch.rules import AlertRule
from hrx.ops.runbook.watch.slos import Slo

_Word = TypeVar("_Word", bound=StrEnum)


class Unit(StrEnum):
    """What a panel's numbers are."""

    SECONDS = "seconds"
    RATIO = "ratio"
    PER_SECOND = "per_second"
    BYTES = "bytes"
    BYTES_PER_SECOND = "bytes_per_second"
    COUNT = "count"
    DOLLARS = "dollars"
    DAYS = "days"
    #: A score without a unit, such as a layout shift.
    SCORE = "score"


class PanelKind(StrEnum):
    """How a panel is drawn. HEAT: buckets of a histogram over time; TABLE: the values of now."""

    LINE = "line"
    BAR = "bar"
    STAT = "stat"
    HEAT = "heat"
    TABLE = "table"


class LineOf(StrEnum):
    """What of a rule is drawn: its limit, or the bound (`le`) of the histogram that it counts up to."""

    LIMIT = "limit"
    BOUND = "bound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked and the name of its lines; `legend` may name labels as `{{part}}`.

    Exactly one of `expr` (PromQL; `{window}` becomes a window that suits the time shown) and `rule` (the very
    value that this alert rule compares) is set."""

    expr: str | None
    rule: str | None
    legend: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A threshold by reference: of an alert rule, or the share of errors that an SLO allows."""

    rule: str | None
    slo: str | None
    of: LineOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One plot. `says` is what it tells; `alerts` name the rules to look at beside it, `sop` what to do;
    `fed_by` names what brings its figures later; `top` fixes the upper end of the scale."""

    id: str
    title: Text
    says: Text
    kind: PanelKind
    unit: Unit
    queries: tuple[Query, ...]
    lines: tuple[Line, ...]
    alerts: tuple[str, ...]
    sop: str | None
    top: float | None
    is_wide: bool
    fed_by: Text | None

    @property
    def rules(self) -> tuple[str, ...]:
        """Every rule that the panel has to do with, once each, in the order of the file."""
        named = [*self.alerts, *(query.rule for query in self.queries), *(line.rule for line in self.lines)]
        return tuple(dict.fromkeys(name for name in named if name is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One page of panels. `services` are the parts (without slot) whose page this is."""

    id: str
    order: int
    title: Text
    says: Text
    services: tuple[str, ...]
    panels: tuple[Panel, ...]


def load_dashboards(
    folder: Path, *, rules: Sequence[AlertRule], slos: Sequence[Slo]
) -> tuple[Dashboard, ...]:
    """Every dashboard, in their own order. Raises ContentWrong, also for a reference to nothing."""
    found = [
        _read(as_node(read_yaml(path), place=path.name), path)
        for path in sorted((folder / "dashboards").glob("*.yaml"))
    ]
    _refuse_unknown(found, rules={rule.name for rule in rules}, slos={slo.id for slo in slos})
    return tuple(sorted(found, key=lambda dashboard: dashboard.order))


def get_dashboard(dashboards: Sequence[Dashboard], dashboard_id: str) -> Dashboard:
    """The dashboard with this id. Raises NotFound."""
    for dashboard in dashboards:
        if dashboard.id == dashboard_id:
            return dashboard
    raise NotFound(
        Text(ja=f"ダッシュボード {dashboard_id} はありません", en=f"There is no dashboard {dashboard_id}"),
        hint=Text(
            ja="/dashboards か `hrx dashboards list` に一覧があります。",
            en="/dashboards and `hrx dashboards list` show them.",
        ),
        code="dashboard.not_found",
    )


def get_panel(dashboard: Dashboard, panel_id: str) -> Panel:
    """The panel with this id. Raises NotFound."""
    for panel in dashboard.panels:
        if panel.id == panel_id:
            return panel
    raise NotFound(
        Text(ja=f"パネル {panel_id} はありません", en=f"There is no panel {panel_id}"),
        hint=Text(
            ja=f"/dashboards/{dashboard.id} で確かめてください。", en=f"See /dashboards/{dashboard.id}."
        ),
        code="dashboard.no_panel",
    )


def _refuse_unknown(dashboards: Sequence[Dashboard], *, rules: set[str], slos: set[str]) -> None:
    for dashboard in dashboards:
        for panel in dashboard.panels:
            place = f"{dashboard.id}.yaml, panel {panel.id}"
            for missing in sorted(set(panel.rules) - rules):
                raise wrong(place, f"refers to an unknown rule {missing}")
            for missing in sorted({line.slo for line in panel.lines if line.slo} - slos):
                raise wrong(place, f"refers to an unknown SLO {missing}")


def _read(node: Node, path: Path) -> Dashboard:
    order = node.values.get("order")
    if not isinstance(order, int):
        raise wrong(f"{node.place}.order", "must be a whole number")
    panels = tuple(_read_panel(item) for item in node.nodes("panels"))
    if not panels or len({panel.id for panel in panels}) != len(panels):
        raise wrong(f"{node.place}.panels", "needs panels, each with an id of its own")
    return Dashboard(
        id=path.stem,
        order=order,
        title=node.text("title"),
        says=node.text("says"),
        services=node.strings("services"),
        panels=panels,
    )


def _read_panel(node: Node) -> Panel:
    queries = tuple(_read_query(item) for item in node.nodes("queries"))
    if not queries:
        raise wrong(f"{node.place}.queries", "is empty")
    return Panel(
        id=node.string("id"),
        title=node.text("title"),
        says=node.text("says"),
        kind=_read_word(node, "kind", PanelKind, default=PanelKind.LINE),
        unit=_read_word(node, "unit", Unit),
        queries=queries,
        lines=tuple(_read_line(item) for item in node.nodes("lines")),
        alerts=node.strings("alerts"),
        sop=node.find_string("sop"),
        top=_read_number(node, "top"),
        is_wide=node.flag("wide"),
        fed_by=node.find_text("fed_by"),
    )


def _read_query(node: Node) -> Query:
    legend = node.values.get("legend")
    # A legend of labels alone reads the same in every language.
    said = Text(ja=legend, en=legend) if isinstance(legend, str) else node.text("legend")
    expr, rule = node.find_string("expr"), node.find_string("rule")
    if (expr is None) is (rule is None):
        raise wrong(node.place, "needs either `expr` or `rule`")
    return Query(expr=expr, rule=rule, legend=said)


def _read_line(node: Node) -> Line:
    rule, slo = node.find_string("rule"), node.find_string("slo")
    if (rule is None) is (slo is None):
        raise wrong(node.place, "needs either `rule` or `slo`: thresholds are taken from where they are set")
    return Line(rule=rule, slo=slo, of=_read_word(node, "of", LineOf, default=LineOf.LIMIT))


def _read_word(node: Node, key: str, words: type[_Word], *, default: _Word | None = None) -> _Word:
    if key not in node.values and default is not None:
        return default
    try:
        return words(node.string(key))
    except ValueError as error:
        raise wrong(f"{node.place}.{key}", f"must be one of {', '.join(words)}") from error


def _read_number(node: Node, key: str) -> float | None:
    found = node.values.get(key)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise wrong(f"{node.place}.{key}", "must be a number")
    return float(found)
