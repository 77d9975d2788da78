"""Which silence covers a rule: wholly, or only some of what it may find. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hrx.ops.runbook.watch.rules import AlertRule
from hrx.ops.seams.metrics import Silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    """A silence and whether it covers everything that the rule may find."""

    silence: Silence
    is_whole: bool


def find_silence(rule: AlertRule, silences: Iterable[Silence]) -> Silenced | None:
    """The widest silence on this rule; None when there is none."""
    found = [one for silence in silences if (one := _cover(rule, silence)) is not None]
    return max(found, key=lambda one: (one.is_whole, one.silence.until), default=None)


def _cover(rule: AlertRule, silence: Silence) -> Silenced | None:
    labels = {**rule.labels, "alertname": rule.name}
    is_whole = True
    for name, value, is_regex, must_equal in silence.matchers:
        # What a rule takes from its inputs is known only when it fires.
        if name not in labels or "{{" in labels[name]:
            is_whole = False
            continue
        if _fits(labels[name], value, is_regex=is_regex) is not must_equal:
            return None
    return Silenced(silence=silence, is_whole=is_whole)


def _fits(label: str, value: str, *, is_regex: bool) -> bool:
    if not is_regex:
        return label == value
    try:
        return re.fullmatch(value, label) is not None
    except re.error:
        return False
