"""Prometheus and Alertmanager accept what the machine makes of monitoring/, and refuse what is broken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hrx.kit.errors import Unavailable
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.prometheus import Alertmanager, Prometheus
from hrx.ops.targets.machine.toolchain import Toolchain


def make_prometheus(layout: Layout, ports: Ports, tools: Toolchain, *, source: Path) -> Prometheus:
    return Prometheus(
        tool=tools.found["prometheus"],
        checker=tools.found["promtool"],
        source=source,
        folder=layout.var / "prometheus",
        ports=ports,
        user=layout.user,
    )


def test_prometheus_accepts_its_configuration_and_targets_follow_the_live_slot(
    layout: Layout, ports: Ports, tools: Toolchain
) -> None:
    prometheus = make_prometheus(layout, ports, tools, source=layout.root / "monitoring")
    prometheus.prepare(scraped={"api-blue": 8151, "worker": 8153})
    prometheus.write_targets({"api-green": 8152, "worker": 8153, "redis-exporter": 8195})
    written = {path.stem: json.loads(path.read_text()) for path in (prometheus.folder / "targets").iterdir()}
    assert written.keys() == {"api-green", "worker", "redis-exporter"}
    assert written["api-green"] == [
        {"targets": ["127.0.0.1:8152"], "labels": {"part": "api-green", "job": "hrx"}}
    ]
    # Our own processes are asked every two seconds, an exporter that asks somebody else less often.
    assert written["redis-exporter"][0]["labels"]["__scrape_interval__"] == "4s"


def test_a_broken_rule_is_refused_before_prometheus_is_started(
    layout: Layout, ports: Ports, tools: Toolchain, tmp_path: Path
) -> None:
    shutil.copytree(layout.root / "monitoring", tmp_path / "monitoring")
    (tmp_path / "monitoring" / "rules" / "bad.yml").write_text(
        "groups: [{name: g, rules: [{alert: A, expr: 'sum(('}]}]\n"
    )
    prometheus = make_prometheus(layout, ports, tools, source=tmp_path / "monitoring")
    with pytest.raises(Unavailable) as refused:
        prometheus.prepare(scraped={})
    assert "bad.yml" in refused.value.message.en


def test_alertmanager_accepts_its_configuration_and_keeps_the_token_out_of_it(
    layout: Layout, ports: Ports, tools: Toolchain
) -> None:
    alertmanager = Alertmanager(
        tool=tools.found["alertmanager"],
        checker=tools.found["amtool"],
        source=layout.root / "monitoring",
        folder=layout.var / "alertmanager",
        ports=ports,
        user=layout.user,
    )
    alertmanager.prepare(hook_token="hook-token-value")
    config = alertmanager.folder / "alertmanager.yml"
    assert "hook-token-value" not in config.read_text()
    assert f":{ports.ops}/hooks/alertmanager" in config.read_text()
    assert (alertmanager.folder / "hook-token").stat().st_mode & 0o777 == 0o600
