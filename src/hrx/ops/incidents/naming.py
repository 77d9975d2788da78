"""What an incident is called, which part it is about and which section answers it: its condition says so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hrx.kit.errors import Text
from hrx.ops.ledger.signals import Condition
from hrx.ops.runbook.graph import Graph
from hrx.ops.runbook.parts import PartInfo
from hrx.ops.runbook.respond import Grouping


def title_for(lead: Condition, parts: Sequence[PartInfo]) -> Text:
    """The condition's summary without its full stop, its part by the name that people use.

    Prometheus knows only labels, so what an alert says has the part's code name."""
    ja, en = lead.summary.ja.rstrip("。"), lead.summary.en.rstrip(".")
    part = next((one for one in parts if one.name == lead.part), None)
    if part is None:
        return Text(ja=ja, en=en)
    code = rf"(?<![\w/-]){re.escape(part.name)}(?![\w/-])"
    return Text(
        ja=re.sub(rf"{code} ?", lambda _: part.title.ja, ja, count=1),
        en=re.sub(code, lambda _: part.title.en, en, count=1),
    )


def part_of(lead: Condition, parts: Sequence[PartInfo], graph: Graph) -> str | None:
    """The part as parts.yaml names it, when it does."""
    if lead.part is None or lead.part in {part.name for part in parts}:
        return lead.part
    service = graph.service_of(lead.part)
    return next((part.name for part in parts if part.service == service and part.required), lead.part)


def sop_of(lead: Condition, rules: Grouping, graph: Graph, *, is_security: bool) -> str | None:
    """The section that the condition names; else that of its kind or part."""
    said = lead.body.get("sop")
    if said:
        return str(said)
    if is_security:
        return rules.security_sop
    service = graph.service_of(lead.part)
    return rules.sops.get(service) if service is not None else None
