"""Grafana's dashboards are what the runbook says: made anew they are the files that are kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hrx.ops.observe.dashboards.resolving import list_thresholds
from hrx.ops.runbook.content import load_content
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R4.2-1")
FOLDER = ROOT / "monitoring" / "grafana" / "dashboards"
WATCH = load_content(ROOT / "runbook").watch


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_what_is_kept_is_what_the_runbook_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "write_grafana.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("language", ["ja", "en"])
def test_each_dashboard_is_there_with_every_panel_once(language: str) -> None:
    uids = []
    for one in WATCH.dashboards:
        found = read(FOLDER / language / f"{one.id}.json")
        uids.append(found["uid"])
        titles = [panel["title"] for panel in found["panels"] if panel["type"] != "row"]
        assert titles == [panel.title.ja if language == "ja" else panel.title.en for panel in one.panels]
        numbers = [panel["id"] for panel in found["panels"]]
        assert len(set(numbers)) == len(numbers)
        places = [tuple(panel["gridPos"].items()) for panel in found["panels"]]
        assert len(set(places)) == len(places)
    assert len(set(uids)) == len(uids) >= 9


def test_a_line_in_grafana_is_the_threshold_of_the_rule() -> None:
    board = next(one for one in WATCH.dashboards if one.id == "golden-signals")
    found = read(FOLDER / "en" / "golden-signals.json")
    for panel, drawn in zip(board.panels, found["panels"], strict=True):
        steps = drawn.get("fieldConfig", {}).get("defaults", {}).get("thresholds", {}).get("steps", [])
        limits = {one.value for one in list_thresholds(panel, WATCH)}
        assert limits <= {step["value"] for step in steps}, panel.id


def test_the_provisioning_names_folders_that_exist() -> None:
    text = (ROOT / "monitoring" / "grafana" / "provisioning" / "dashboards.yaml").read_text()
    for language in ("ja", "en"):
        assert f"/dashboards/{language}" in text
        assert (FOLDER / language).is_dir()
