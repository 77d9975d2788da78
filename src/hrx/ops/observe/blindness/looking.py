"""Asking Prometheus what the judgement needs: four to six requests, whatever the number of rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from hrx.kit import clock
from hrx.ops.observe.blindness.judging import Looked
from hrx.ops.observe.rules.inputs import Input, Need
from hrx.ops.seams.http import HttpSeam
from hrx.ops.seams.looking import LookFailed
from hrx.ops.seams.metrics import list_announced, list_loaded_rules, query

_MARK = "hrx_input"


def look_at_rules(http: HttpSeam, base_url: str, inputs: Iterable[Input]) -> Looked:
    """What Prometheus says now. Never raises: that it does not answer is an answer."""
    wanted = tuple(dict.fromkeys(one for one in inputs if one.need is not Need.ABSENCE))
    try:
        return _look(http, base_url, wanted)
    except LookFailed:
        return Looked(at=clock.now(), answered=False)


def _look(http: HttpSeam, base_url: str, wanted: Sequence[Input]) -> Looked:
    loaded = {rule.name: rule for rule in list_loaded_rules(http, base_url)}
    at = clock.now()
    up = {one.labels.get("part", ""): one.value > 0 for one in query(http, base_url, "max by (part) (up)")}
    ages = query(http, base_url, "time() - max by (part) (timestamp(up))")
    own = query(http, base_url, 'max(process_start_time_seconds{part="prometheus"})')
    series = _count(http, base_url, {str(at): one.sight for at, one in enumerate(wanted)})
    given = {one: series.get(str(at), frozenset()) for at, one in enumerate(wanted)}
    lost = sorted({one.metric for one, parts in given.items() if not parts})
    return Looked(
        at=at,
        answered=True,
        started_at=datetime.fromtimestamp(own[0].value, tz=UTC) if own else None,
        loaded=loaded,
        up=up,
        age_s={one.labels.get("part", ""): one.value for one in ages},
        series=given,
        bare=_count(http, base_url, {name: name for name in lost}) if lost else {},
        announced=list_announced(http, base_url) if lost else {},
    )


def _count(http: HttpSeam, base_url: str, selectors: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Mark → the parts that give series of its selector, all in one query."""
    branches = [
        f'label_replace(count by (part) ({selector}), "{_MARK}", "{mark}", "", "")'
        for mark, selector in selectors.items()
    ]
    found: defaultdict[str, set[str]] = defaultdict(set)
    if branches:
        for one in query(http, base_url, " or ".join(branches)):
            found[one.labels[_MARK]].add(one.labels.get("part", ""))
    return {mark: frozenset(parts) for mark, parts in found.items()}
