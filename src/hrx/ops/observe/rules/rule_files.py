"""Prometheus rule files from the watch's rules: one file a domain, one group an interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from hrx.ops.observe.rules.expressions import expression_of, recordings_of
from hrx.ops.runbook.watch.durations import to_promql
from hrx.ops.runbook.watch.rules import AlertRule
from hrx.ops.runbook.watch.slos import Slo

HEAD: Final = "# Made by `hrx rules write` from runbook/watch/; a test compares it. Do not edit.\n"
#: The domain whose rules read recorded series.
SLO_DOMAIN: Final = "slo"


def render_rule_files(rules: Sequence[AlertRule], slos: Sequence[Slo]) -> dict[str, str]:
    """File name → content of everything under monitoring/rules/."""
    domains = dict.fromkeys(rule.domain for rule in rules)
    return {
        f"{domain}.yml": HEAD
        + to_yaml(groups_of([rule for rule in rules if rule.domain == domain], slos=slos))
        for domain in domains
    }


# `Any`: documents of Prometheus.
def groups_of(rules: Sequence[AlertRule], *, slos: Sequence[Slo]) -> dict[str, Any]:
    """The document that holds these rules, with the recordings they read."""
    groups: list[dict[str, Any]] = []
    for domain, every_s in dict.fromkeys((rule.domain, rule.every_s) for rule in rules):
        members = [rule for rule in rules if (rule.domain, rule.every_s) == (domain, every_s)]
        groups.append(
            {
                "name": f"{domain}-{every_s}s",
                "interval": to_promql(every_s),
                # Recordings come first in the group of the alerts that read them: a group keeps its order,
                # while several groups are evaluated in none.
                "rules": [*_recordings(members, slos=slos, every_s=every_s), *map(alert_of, members)],
            }
        )
    return {"groups": groups}


def _recordings(rules: Sequence[AlertRule], *, slos: Sequence[Slo], every_s: int) -> list[dict[str, Any]]:
    wanted = {rule.burn.slo for rule in rules if rule.burn is not None}
    found = [slo for slo in slos if slo.id in wanted]
    return (
        [
            {"record": name, "expr": Block(expr), "labels": labels}
            for name, expr, labels in recordings_of(found, every_s=every_s)
        ]
        if found
        else []
    )


def alert_of(rule: AlertRule) -> dict[str, Any]:
    """One alerting rule as Prometheus reads it."""
    made: dict[str, Any] = {"alert": rule.name, "expr": Block(expression_of(rule))}
    if rule.for_s:
        made["for"] = to_promql(rule.for_s)
    made["labels"] = rule.labels
    made["annotations"] = {
        "title_ja": rule.title.ja,
        "title_en": rule.title.en,
        "summary_ja": rule.summary.ja,
        "summary_en": rule.summary.en,
    }
    return made


class Block(str):
    """A string that is written as a block when it has several lines."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Plain YAML: no aliases, keys in our order."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _write_block(dumper: yaml.SafeDumper, data: Block) -> yaml.ScalarNode:
    style = "|" if "\n" in data else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(data), style=style)


_Dumper.add_representer(Block, _write_block)


def to_yaml(document: Mapping[str, Any]) -> str:
    """The document as people can read it, the same at every run."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=200)
