"""What an incident is called: the words of the condition it began with, made a title."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hrx.kit.errors import Text
from hrx.ops.ledger.signals import Condition
from hrx.ops.runbook.parts import PartInfo


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
