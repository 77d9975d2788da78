"""The generated file of simulated detection times: read by pages and commands, never computed for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from hrx.ops.observe.rules.simulating import Simulated, digest_of
from hrx.ops.runbook.watch.rules import AlertRule
from hrx.ops.runbook.watch.slos import Slo

FILE: Final = "simulated.json"


def render_simulated(found: Sequence[Simulated]) -> str:
    """The file's content, the same at every run."""
    return json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1) + "\n"


def read_simulated(monitoring: Path) -> dict[str, Simulated]:
    """Rule → what was simulated; empty when the file is not there, for figures are no reason to fail."""
    try:
        items = json.loads((monitoring / FILE).read_text())
        return {str(item["rule"]): Simulated(**item) for item in items}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def list_outdated(
    rules: Sequence[AlertRule], slos: Sequence[Slo], *, known: Mapping[str, Simulated]
) -> list[AlertRule]:
    """Rules whose figure belongs to another version of them, or is missing."""
    return [
        rule for rule in rules if rule.name not in known or known[rule.name].digest != digest_of(rule, slos)
    ]
