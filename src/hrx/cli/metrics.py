"""`hrx metrics write`: docs/metrics.md, made from the one catalogue of metrics."""

from __future__ import annotations

from typing import Final

import typer

from hrx.cli import output
from hrx.cli.options import AsJson, DryRun
from hrx.kit.catalogue import list_metrics_of
from hrx.kit.errors import Text
from hrx.kit.figures import Metric, Source
from hrx.ops.settings import HOME

PAGE: Final = HOME / "docs" / "metrics.md"
_HEAD: Final = """<!-- Made by `hrx metrics write`; a test compares it with what running processes export. -->

# Metrics

Every figure that HRX-AI exports, from the one catalogue in `src/hrx/kit/catalogue/`; instruments are made
from the same declarations. Prometheus scrapes each process every 2 s (the exporters of PostgreSQL and Redis
every 4 s) and adds the labels `part` (which part it asked) and `job`; where a figure has a `part` of its
own, Prometheus keeps that one as `exported_part`. Each label lists its values, or says what they are and how
many there can be at most; no caller can add one. `""` is an empty label: no error.

Series of models (`gen_ai_*`, `hrx_model_*`, `hrx_rag_*`) and of backups are announced already and get their
first values with those parts; the probe's belong to the outside watcher. Exporters that are not ours export
many more; listed are those that rules and pages rely on.
"""
_TITLES: Final = {
    Source.API: Text(ja="API", en="API"),
    Source.WORKER: Text(ja="ワーカー", en="Worker"),
    Source.WEB: Text(ja="ポータルのサーバー", en="Server of the portal"),
    Source.OPS: Text(ja="運用コンソール", en="Operations console"),
    Source.PROBE: Text(ja="外からの見張り", en="Outside watcher"),
    Source.POSTGRES: Text(ja="PostgreSQL(postgres-exporter)", en="PostgreSQL (postgres-exporter)"),
    Source.REDIS: Text(ja="Redis(redis-exporter)", en="Redis (redis-exporter)"),
    Source.EDGE: Text(ja="入口(HAProxy)", en="Edge (HAProxy)"),
    Source.BACKUP: Text(ja="バックアップの番人", en="Keeper of the backups"),
    Source.SCORING: Text(ja="採点", en="Scoring"),
}


def register(app: typer.Typer) -> None:
    """Add `hrx metrics`."""
    group = typer.Typer(help="The metrics reference.", no_args_is_help=True)
    group.command("write")(write)
    group.command("list")(list_all)
    app.add_typer(group, name="metrics")


def write(
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write docs/metrics.md from the code."""
    page = render()
    has_changed = not PAGE.exists() or PAGE.read_text() != page
    if not dry_run:
        PAGE.write_text(page)
    names = [str(PAGE.relative_to(HOME))] if has_changed else []
    if as_json:
        output.show_json({"changed": names, "dry_run": dry_run})
        return
    print(output.say(Text(ja="変更: ", en="changed: ")) + (", ".join(names) or "-"))


def list_all(as_json: AsJson = False) -> None:
    """Every metric with its unit and meaning."""
    items = {source: list_metrics_of(source) for source in Source}
    if as_json:
        output.show_json(
            {source.value: [_describe(item) for item in found] for source, found in items.items()}
        )
        return
    columns = (
        Text(ja="出どころ", en="From"),
        Text(ja="指標", en="Metric"),
        Text(ja="単位", en="Unit"),
        Text(ja="意味", en="Meaning"),
    )
    rows = [
        [source.value, item.name, item.unit, output.say(item.says)]
        for source, found in items.items()
        for item in found
    ]
    output.show_table(columns, rows)


def render() -> str:
    """The page."""
    return _HEAD + "".join(_render_source(source) for source in Source)


def _render_source(source: Source) -> str:
    title = _TITLES[source]
    lines = [
        f"\n## {title.en} · {title.ja}\n",
        "| metric | type | unit | labels | meaning | 意味 |",
        "|---|---|---|---|---|---|",
        *(_render_row(metric) for metric in list_metrics_of(source)),
    ]
    return "\n".join(lines) + "\n"


def _render_row(metric: Metric) -> str:
    labels = "; ".join(f"`{label.name}`: {label.range}" for label in metric.labels) or "–"
    cells = (
        f"`{metric.name}`",
        metric.type.value,
        metric.unit,
        labels,
        metric.says.en,
        metric.says.ja,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _describe(metric: Metric) -> dict[str, object]:
    return {
        "name": metric.name,
        "type": metric.type.value,
        "unit": metric.unit,
        "labels": {label.name: list(label.values) or label.of for label in metric.labels},
        "says": output.say(metric.says),
    }
