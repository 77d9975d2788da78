"""Everything under `runbook/watch/`, read and checked together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hrx.ops.runbook.reading import wrong
from hrx.ops.runbook.watch.burning import make_burn_rules
from hrx.ops.runbook.watch.dashboards import Dashboard, load_dashboards
from hrx.ops.runbook.watch.routes import Routes, load_routes
from hrx.ops.runbook.watch.rule_files import load_rules
from hrx.ops.runbook.watch.rules import AlertRule
from hrx.ops.runbook.watch.slos import Slo, load_slos


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is watched: rules (those of the SLOs included), SLOs, routes, dashboards."""

    rules: tuple[AlertRule, ...]
    slos: tuple[Slo, ...]
    routes: Routes
    dashboards: tuple[Dashboard, ...]


def load_watch(runbook: Path) -> Watch:
    """The watch below the runbook's folder. Raises ContentWrong."""
    folder = runbook / "watch"
    slos = load_slos(folder)
    rules = (*load_rules(folder), *make_burn_rules(slos))
    routes = load_routes(folder)
    places = {place.channel for place in routes.places}
    for rule in rules:
        if rule.place is not None and rule.place not in places:
            raise wrong(f"rule {rule.name}", f"goes to {rule.place}, which routes.yaml does not have")
    dashboards = load_dashboards(folder, rules=rules, slos=slos)
    return Watch(rules=rules, slos=slos, routes=routes, dashboards=dashboards)
