"""How the alert rules stand, for Prometheus: how many see, and which do not."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from hrx.kit.catalogue import RULE_BLIND, RULES
from hrx.ops.console.desk import Desk
from hrx.ops.observe.blindness.judging import RuleState


class RuleFigures(Collector):
    """Read from the last board at each scrape; nothing is asked for it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def describe(self) -> list[Metric]:
        """Nothing: the names are known without collecting."""
        return []

    def collect(self) -> Iterator[Metric]:
        board = self._desk.rules.board
        by_state, by_rule = RULES.family(), RULE_BLIND.family()
        for state in RuleState:
            by_state.add_metric((state.value,), board.count(state))
        for one in board.sights:
            by_rule.add_metric((one.rule.name,), float(one.is_blind))
        yield from (by_state, by_rule)
