"""Everything that is generated below monitoring/, as text: what is written, and what a test compares."""

from __future__ import annotations

from hrx.ops.observe.rules.alertmanager_file import render_alertmanager, render_production
from hrx.ops.observe.rules.promtool_tests import render_test_files
from hrx.ops.observe.rules.rule_files import render_rule_files
from hrx.ops.runbook.watch.content import Watch


def render_monitoring(watch: Watch) -> dict[str, str]:
    """Path below monitoring/ → content, of rules, their tests and routes."""
    rules = render_rule_files(watch.rules, watch.slos)
    tests = render_test_files(watch.rules)
    return {
        **{f"rules/{name}": text for name, text in rules.items()},
        **{f"tests/{name}": text for name, text in tests.items()},
        "alertmanager.yml": render_alertmanager(watch.routes),
        "alertmanager-production.yml": render_production(watch.routes),
    }
