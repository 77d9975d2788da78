"""Grafana's dashboards from `runbook/watch/dashboards`, one folder a language.

`python deploy/write_grafana.py` needs the development packages: the product itself never makes them. With
`--check` it writes nothing and exits 1 when a file is not what the runbook says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.builders import bargauge, heatmap, stat, table, timeseries
from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import GraphThresholdsStyleMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from hrx.kit.errors import Language, Text
from hrx.ops.observe.dashboards.resolving import Threshold as LineAcross
from hrx.ops.observe.dashboards.resolving import expression_of_query, list_thresholds
from hrx.ops.runbook.content import load_content
from hrx.ops.runbook.watch import dashboards as boards
from hrx.ops.runbook.watch.content import Watch
from hrx.ops.runbook.watch.dashboards import PanelKind, Unit
from hrx.ops.runbook.watch.rules import AlertSeverity, Comparison

ROOT: Final = Path(__file__).resolve().parents[1]
TARGET: Final = ROOT / "monitoring" / "grafana" / "dashboards"
#: Grafana's own window for rates: never shorter than four scrapes.
WINDOW: Final = "$__rate_interval"
_WIDE, _HALF, _HEIGHT, _STAT_HEIGHT = 24, 12, 8, 5
#: Grafana's names of units.
UNITS: Final = {
    Unit.SECONDS: "s",
    Unit.RATIO: "percentunit",
    Unit.PER_SECOND: "cps",
    Unit.BYTES: "bytes",
    Unit.BYTES_PER_SECOND: "Bps",
    Unit.COUNT: "short",
    Unit.DOLLARS: "currencyUSD",
    Unit.DAYS: "d",
    Unit.SCORE: "none",
}
_COLOURS: Final = {AlertSeverity.CRITICAL: "red", AlertSeverity.WARNING: "orange"}


# `Any`: the builders of the panels have no common type.
def _make_panel(panel: boards.Panel, watch: Watch, language: Language) -> Any:
    def say(text: Text) -> str:
        return text.ja if language == "ja" else text.en

    kinds: dict[PanelKind, Any] = {
        PanelKind.LINE: timeseries.Panel,
        PanelKind.BAR: bargauge.Panel,
        PanelKind.STAT: stat.Panel,
        PanelKind.HEAT: heatmap.Panel,
        PanelKind.TABLE: table.Panel,
    }
    is_stat = panel.kind is PanelKind.STAT
    made = kinds[panel.kind]()
    made = (
        made.title(say(panel.title))
        .description(_describe(panel, language))
        .unit(UNITS[panel.unit])
        .datasource(DataSourceRef(type_val="prometheus", uid="${datasource}"))
        .span(_WIDE if panel.is_wide else _HALF)
        .height(_STAT_HEIGHT if is_stat else _HEIGHT)
    )
    if panel.top is not None:
        made = made.max(panel.top)
    lines = list_thresholds(panel, watch)
    if lines:
        made = made.thresholds(_make_thresholds(lines))
        if panel.kind is PanelKind.LINE:
            made = made.thresholds_style(GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
    for place, query in enumerate(panel.queries):
        asked = (
            Dataquery()
            .expr(expression_of_query(query, watch, window=WINDOW))
            .legend_format(say(query.legend))
            .ref_id(chr(ord("A") + place))
        )
        if panel.kind in (PanelKind.TABLE, PanelKind.STAT, PanelKind.BAR):
            asked = asked.instant()
        if panel.kind is PanelKind.TABLE:
            asked = asked.format(PromQueryFormat.TABLE)
        if panel.kind is PanelKind.HEAT:
            asked = asked.format(PromQueryFormat.HEATMAP)
        made = made.with_target(asked)
    return made


def _describe(panel: boards.Panel, language: Language) -> str:
    """What the panel tells, whose figures it waits for, and which alerts and SOP belong to it."""
    is_ja = language == "ja"
    said = [panel.says.ja if is_ja else panel.says.en]
    if panel.fed_by is not None:
        waits = ("まだ値はありません", panel.fed_by.ja) if is_ja else ("Not fed yet", panel.fed_by.en)
        said.append(": ".join(waits))
    if panel.rules:
        said.append(f"{'アラート' if is_ja else 'Alerts'}: {', '.join(panel.rules)}")
    if panel.sop:
        said.append(f"SOP {panel.sop}")
    return "\n\n".join(said)


def _make_thresholds(lines: tuple[LineAcross, ...]) -> ThresholdsConfig:
    """Steps of colour; below a limit that is wrong to fall under, the colour comes first."""
    falls = [one for one in lines if one.comparison is Comparison.BELOW]
    steps = [Threshold(value=None, color=_COLOURS[falls[0].severity] if falls else "green")]
    for one in sorted(lines, key=lambda line: line.value):
        is_fall = one.comparison is Comparison.BELOW
        steps.append(Threshold(value=one.value, color="green" if is_fall else _COLOURS[one.severity]))
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def make_dashboard(dashboard: boards.Dashboard, watch: Watch, language: Language) -> str:
    """The JSON of one dashboard in one language, as Grafana imports it."""
    is_ja = language == "ja"
    made = (
        Dashboard(f"HRX-AI: {dashboard.title.ja if is_ja else dashboard.title.en}")
        .uid(f"hrx-{dashboard.id}-{language}")
        .description(dashboard.says.ja if is_ja else dashboard.says.en)
        .tags(["hrx", language])
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
        .readonly()
        .with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .link(
            DashboardLink("HRX-AI")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["hrx", language])
            .as_dropdown(True)
        )
    )
    for number, panel in enumerate(dashboard.panels, start=1):
        made = made.with_panel(_make_panel(panel, watch, language).id(number))
    return JSONEncoder(sort_keys=True, indent=1).encode(made.build()) + "\n"


def make_all() -> dict[Path, str]:
    """Every file with its text."""
    watch = load_content(ROOT / "runbook").watch
    languages: tuple[Language, ...] = ("ja", "en")
    return {
        TARGET / language / f"{one.id}.json": make_dashboard(one, watch, language)
        for one in watch.dashboards
        for language in languages
    }


def main() -> int:
    wanted = make_all()
    there = {path: path.read_text(encoding="utf-8") for path in sorted(TARGET.rglob("*.json"))}
    if "--check" in sys.argv:
        wrong = sorted({path for path in {*wanted, *there} if wanted.get(path) != there.get(path)})
        for path in wrong:
            print(f"not what the runbook says: {path.relative_to(ROOT)}")
        return 1 if wrong else 0
    for path in set(there) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"{len(wanted)} dashboards")
    return 0


if __name__ == "__main__":
    sys.exit(main())
