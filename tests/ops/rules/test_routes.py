"""Where Alertmanager sends each rule's alert, asked of amtool; in production by a second way too."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from hrx.ops.runbook.watch.content import Watch
from hrx.ops.runbook.watch.rules import AlertRule, AlertSeverity
from hrx.ops.targets.machine.toolchain import Toolchain
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R4.3-2")


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both files as a machine would fill them in."""
    folder = tmp_path_factory.mktemp("alertmanager")
    found = {}
    for name in ("alertmanager", "alertmanager-production"):
        text = (ROOT / "monitoring" / f"{name}.yml").read_text()
        for placeholder, value in {
            "@ops_url@": "https://ops.example",
            "@ops@": "8090",
            "@token_file@": str(folder / "hook-token"),
            "@secrets@": str(folder),
        }.items():
            text = text.replace(placeholder, value)
        found[name] = folder / f"{name}.yml"
        found[name].write_text(text)
    return found


def amtool(tools: Toolchain, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(tools.found["amtool"].path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def receivers(tools: Toolchain, config: Path, labels: Mapping[str, str]) -> list[str]:
    """Who receives an alert with these labels, in order."""
    pairs = [f"{name}={value}" for name, value in labels.items()]
    done = amtool(tools, "config", "routes", "test", f"--config.file={config}", *pairs)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().split(",")


def labels_of(rule: AlertRule) -> dict[str, str]:
    known = {name: value for name, value in rule.labels.items() if "{{" not in value}
    return {**known, "alertname": rule.name}


@pytest.mark.parametrize("name", ["alertmanager", "alertmanager-production"])
def test_alertmanager_accepts_the_file(toolchain: Toolchain, configs: dict[str, Path], name: str) -> None:
    done = amtool(toolchain, "check-config", str(configs[name]))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["alertmanager", "alertmanager-production"])
def test_every_rule_goes_to_the_plane_and_to_its_place(
    toolchain: Toolchain, configs: dict[str, Path], watch: Watch, name: str
) -> None:
    places = {place.channel: f"people-{place.name}" for place in watch.routes.places}
    # One of each severity, place and domain stands for the others, which have the same labels.
    chosen = {(rule.severity, rule.place, rule.domain): rule for rule in watch.rules}
    assert {rule.severity for rule in chosen.values()} == set(AlertSeverity)
    for rule in chosen.values():
        expected = ["operations"] + ([places[rule.place]] if rule.place else [])
        assert receivers(toolchain, configs[name], labels_of(rule)) == expected, rule.name


def test_an_alert_of_nobody_we_know_still_reaches_the_plane(
    toolchain: Toolchain, configs: dict[str, Path]
) -> None:
    for config in configs.values():
        assert receivers(toolchain, config, {"alertname": "Theirs"}) == ["operations"]


def test_in_production_what_pages_has_a_second_way_that_needs_nothing_of_ours(
    configs: dict[str, Path], watch: Watch
) -> None:
    document = yaml.safe_load(configs["alertmanager-production"].read_text())
    found = {one["name"]: one for one in document["receivers"]}
    assert found["operations"]["webhook_configs"][0]["url"] == "https://ops.example/hooks/alertmanager"
    for place in watch.routes.places:
        receiver = found[f"people-{place.name}"]
        assert ("slack_configs" in receiver, "pagerduty_configs" in receiver) == (place.pagerduty,) * 2
        if place.pagerduty:
            assert receiver["slack_configs"][0]["channel"] == place.channel
    waits = {route["receiver"]: route.get("group_wait") for route in document["route"]["routes"]}
    assert waits["people-critical"] == "20s"
    assert waits["operations"] is None, "the plane is told at once"


def test_no_secret_stands_in_the_file() -> None:
    text = (ROOT / "monitoring" / "alertmanager-production.yml").read_text()
    assert text.count("credentials_file:") == 3
    assert text.count("routing_key_file:") == 2
    assert "credentials:" not in text
    assert "routing_key:" not in text


def test_the_watchdog_comes_often_enough_to_be_missed(watch: Watch) -> None:
    """Twice it may be late before its absence is told."""
    assert watch.routes.watchdog_every_s * 3 <= watch.routes.missing_after_s
    document = yaml.safe_load((ROOT / "monitoring" / "alertmanager.yml").read_text())
    route = document["route"]["routes"][0]
    assert route["matchers"] == ['alertname="Watchdog"']
    assert (route["group_interval"], route["repeat_interval"]) == ("1s", "5s")
