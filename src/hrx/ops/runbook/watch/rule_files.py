"""Reading `alerts/*.yaml`: every rule complete, in both languages, with a guard where it needs one."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong
from hrx.ops.runbook.watch.durations import read_duration
from hrx.ops.runbook.watch.rules import (
    AlertRule,
    AlertSeverity,
    Comparison,
    Example,
    Piece,
    Probe,
    Ratio,
)

_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9]+")
_CONDITION: Final = re.compile(r"[a-z0-9-]+(:(\{\{ \$labels\.[a-z_]+ \}\}|[a-z0-9-]+))?")
_Word = TypeVar("_Word", bound=StrEnum)


def load_rules(folder: Path) -> tuple[AlertRule, ...]:
    """Every rule of every domain, in the order of files and lines. Raises ContentWrong."""
    rules: list[AlertRule] = []
    for path in sorted((folder / "alerts").glob("*.yaml")):
        for at, item in enumerate(as_node(read_yaml(path), place=path.name).nodes("rules")):
            rules.append(_read(as_node(item.values, place=f"{path.name}[{at}]"), domain=path.stem))
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise wrong("alerts", f"name the rule {name} twice")
    return tuple(rules)


def _read(node: Node, *, domain: str) -> AlertRule:
    name = node.string("name")
    if _NAME.fullmatch(name) is None:
        raise wrong(f"{node.place}.name", "must be one word in CamelCase")
    node = as_node(node.values, place=f"{node.place} ({name})")
    comparison, limit = _read_comparison(node)
    severity = _word(node, "severity", AlertSeverity)
    rule = AlertRule(
        name=name,
        domain=domain,
        title=node.text("title"),
        why=node.text("why"),
        summary=node.text("summary"),
        ratio=_read_ratio(node.node("ratio")) if "ratio" in node.values else None,
        value=node.find_string("value"),
        burn=None,
        comparison=comparison,
        limit=limit,
        window_s=read_duration(node, "window") if "window" in node.values else None,
        for_s=read_duration(node, "for", default=0),
        every_s=read_duration(node, "every", default=5),
        severity=severity,
        sev=_read_sev(node, severity),
        sop=node.string("sop"),
        part=node.find_string("part"),
        group=node.find_string("group"),
        condition=node.string("condition"),
        place=node.find_string("place"),
        pagerduty=node.flag("pagerduty"),
        budget_s=node.seconds("budget_s"),
        seed=_read_seed(node),
        fed_by=node.find_text("fed_by"),
        empty_when=node.find_text("empty_when"),
        examples=tuple(_read_example(item) for item in node.nodes("examples")),
        probe=_read_probe(node.node("probe")) if "probe" in node.values else None,
    )
    _judge(rule, node)
    return rule


def _judge(rule: AlertRule, node: Node) -> None:
    """What makes a rule complete beyond the shape of its fields."""
    if (rule.ratio is None) is (rule.value is None):
        raise wrong(node.place, "needs either `ratio` or `value`")
    uses_window = rule.ratio is not None or "{window}" in (rule.value or "")
    if uses_window is not (rule.window_s is not None):
        raise wrong(f"{node.place}.window", "must be given exactly when something is counted over it")
    if _CONDITION.fullmatch(rule.condition) is None:
        raise wrong(f"{node.place}.condition", "must be `noun` or `noun:{{ $labels.x }}`")
    if not any(example.fires_after_s is not None for example in rule.examples):
        raise wrong(f"{node.place}.examples", "must show the alert firing at least once")
    if rule.severity is not AlertSeverity.NONE:
        if rule.place is None or not rule.place.startswith("#"):
            raise wrong(f"{node.place}.place", "must name a channel such as #hrx-alerts-critical")
        if not any(example.fires_after_s is None for example in rule.examples) and rule.probe is None:
            raise wrong(f"{node.place}.examples", "must show at least once that it does not fire")


def _read_comparison(node: Node) -> tuple[Comparison, float | None]:
    given = [one for one in (Comparison.ABOVE, Comparison.BELOW, Comparison.EQUALS) if one in node.values]
    if not given:
        return Comparison.PRESENT, None
    limit = node.values[given[0]]
    if len(given) > 1 or isinstance(limit, bool) or not isinstance(limit, int | float):
        raise wrong(node.place, "needs one number under `above`, `below` or `equals`")
    return given[0], float(limit)


def _read_ratio(node: Node) -> Ratio:
    bad, good = node.find_string("bad"), node.find_string("good")
    if (bad is None) is (good is None):
        raise wrong(node.place, "needs either `bad` or `good`")
    return Ratio(
        bad=bad,
        good=good,
        total=node.string("total"),
        by=node.strings("by"),
        # A share without a guard would page for one failed request in a quiet night.
        at_least=node.seconds("at_least"),
    )


def _read_sev(node: Node, severity: AlertSeverity) -> int | None:
    found = node.values.get("sev")
    if severity is AlertSeverity.NONE and found is None:
        return None
    if found not in (1, 2, 3, 4):
        raise wrong(f"{node.place}.sev", "must be 1, 2, 3 or 4")
    return int(found)


def _read_seed(node: Node) -> int | None:
    found = node.values.get("seed")
    if found is not None and not isinstance(found, int):
        raise wrong(f"{node.place}.seed", "must be the number of a line in 4.3")
    return found


def _read_example(node: Node) -> Example:
    fires = node.values.get("fires_after_s")
    if fires is None and not node.flag("quiet"):
        raise wrong(node.place, "must say `fires_after_s` or `quiet: true`")
    value = node.values.get("value")
    return Example(
        says=node.text("says"),
        every_s=int(node.seconds("every_s")) if "every_s" in node.values else 2,
        counters=_read_series(node, "counters"),
        gauges=_read_series(node, "gauges"),
        onset_s=int(node.values.get("onset_s", 0)),
        fires_after_s=None if fires is None else int(fires),
        makes={str(name): str(label) for name, label in node.values.get("makes", {}).items()},
        value=None if value is None else float(value),
    )


def _read_series(node: Node, key: str) -> dict[str, tuple[Piece, ...]]:
    """`{series: [[seconds, value], …]}`; a value of null is a series that is gone."""
    found = node.values.get(key, {})
    try:
        return {
            str(series): tuple(
                Piece(seconds=float(seconds), value=None if value is None else float(value))
                for seconds, value in pieces
            )
            for series, pieces in found.items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise wrong(f"{node.place}.{key}", "must be series with lists of [seconds, value]") from error


def _read_probe(node: Node) -> Probe:
    scale = node.values.get("scale", 1.0)
    return Probe(
        bad=node.strings("bad"),
        good=node.strings("good"),
        gauge=node.find_string("gauge"),
        counter=node.find_string("counter"),
        scale=float(scale),
        constants=tuple(
            (str(name), float(value)) for name, value in node.values.get("constants", {}).items()
        ),
        makes=tuple((str(name), str(value)) for name, value in node.values.get("makes", {}).items()),
    )


def _word(node: Node, key: str, words: type[_Word]) -> _Word:
    try:
        return words(node.string(key))
    except ValueError as error:
        raise wrong(f"{node.place}.{key}", f"must be one of {', '.join(words)}") from error
