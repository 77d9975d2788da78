"""The alert rules: how each stands, how soon it tells three ways, and how its last firing was learned of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response

from hrx.ops.console.desk import Desk, Visit, needs
from hrx.ops.observe.blindness.judging import RuleState, Sight
from hrx.ops.observe.blindness.silencing import Silenced, find_silence
from hrx.ops.observe.blindness.watching import RuleBoard
from hrx.ops.observe.rules.budgets import Budget, list_budgets
from hrx.ops.observe.rules.expressions import expression_of
from hrx.ops.observe.rules.figures import read_simulated
from hrx.ops.observe.rules.inputs import inputs_of
from hrx.ops.observe.timing import explain_rule
from hrx.ops.operators.roles import Permission
from hrx.ops.runbook.watch.rules import AlertRule, get_rule

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
#: What needs somebody first.
_ORDER: Final = (
    RuleState.FIRING,
    RuleState.BLIND,
    RuleState.PENDING,
    RuleState.UNKNOWN,
    RuleState.OK,
    RuleState.NOT_FED,
)
SILENCED: Final = "silenced"
LATE: Final = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rule as a line of the page."""

    sight: Sight
    since: datetime | None
    budget: Budget
    silenced: Silenced | None

    @property
    def rule(self) -> AlertRule:
        return self.sight.rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the reader wants to see; empty is everything."""

    state: str = ""
    severity: str = ""
    text: str = ""

    def takes(self, row: Row) -> bool:
        rule, words = row.rule, self.text.lower().split()
        said = f"{rule.name} {rule.title.ja} {rule.title.en} {rule.part or ''} {rule.domain}".lower()
        return (
            (not self.severity or rule.severity.value == self.severity)
            and all(word in said for word in words)
            and self._takes_state(row)
        )

    def _takes_state(self, row: Row) -> bool:
        if self.state == SILENCED:
            return row.silenced is not None
        if self.state == LATE:
            return not row.budget.is_kept
        if self.state == RuleState.BLIND:
            return row.sight.is_blind
        return not self.state or row.sight.state.value == self.state


def list_rows(desk: Desk, wish: Wish) -> list[Row]:
    """The rules that the reader wants, those that need somebody first."""
    board = desk.rules.board
    rows = [row for row in _rows(desk, board) if wish.takes(row)]
    return sorted(rows, key=lambda row: _ORDER.index(row.sight.state))


@router.get("/fragments/alert-rules")
def show_rules_now(visit: Looker, state: str = "", severity: str = "", text: str = "") -> Response:
    return visit.page("fragments/alert_rules.html", **table_values(visit.desk, state, severity, text))


@router.get("/alerts/rules/{name}")
def show_rule(visit: Looker, name: str) -> Response:
    """One rule with its reasons, budgets and inputs, and its last firing stage by stage."""
    desk = visit.desk
    watch = desk.plane.content.watch
    rule = get_rule(watch.rules, name)
    row = next(row for row in _rows(desk, desk.rules.board) if row.rule is rule)
    return visit.page(
        "alert_rule.html",
        row=row,
        expression=expression_of(rule),
        inputs=inputs_of(rule, watch.slos),
        timing=explain_rule(desk.plane, rule),
    )


def table_values(desk: Desk, state: str, severity: str, text: str) -> dict[str, Any]:
    """What the table's template needs. `Any`: values of a template."""
    wish = Wish(state=state[:20], severity=severity[:20], text=text[:100])
    return {
        "board": desk.rules.board,
        "rows": list_rows(desk, wish),
        "wish": wish,
        "states": [*(one.value for one in _ORDER if one is not RuleState.UNKNOWN)],
    }


def _rows(desk: Desk, board: RuleBoard) -> Sequence[Row]:
    plane = desk.plane
    budgets = list_budgets(
        [one.rule for one in board.sights],
        simulated=read_simulated(plane.settings.runbook_dir.parent / "monitoring"),
        ledger=plane.ledger,
    )
    return [
        Row(
            sight=sight,
            since=board.since.get(sight.rule.name),
            budget=budget,
            silenced=find_silence(sight.rule, board.silences or ()),
        )
        for sight, budget in zip(board.sights, budgets, strict=True)
    ]
