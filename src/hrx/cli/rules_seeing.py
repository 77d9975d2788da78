"""`hrx rules blind`: whether every rule can see, asked of Prometheus now and without the console."""

from __future__ import annotations

import typer

from hrx.cli import output
from hrx.cli.plane import AsJson, opened
from hrx.kit.errors import Text
from hrx.ops.observe.blindness.judging import RuleState, Sight
from hrx.ops.observe.blindness.watching import RuleBoard, RuleWatch


def register(group: typer.Typer) -> None:
    """Add to `hrx rules`."""
    group.command("blind")(show_blind)


def show_blind(as_json: AsJson = False) -> None:
    """Which rules cannot see, and why. Exit code 1 when one that should see cannot."""
    with opened() as plane:
        board = RuleWatch(plane).look_once()
    if as_json:
        output.show_json([_describe(one) for one in board.sights])
    else:
        _show(board)
    if board.blind:
        raise typer.Exit(output.FAILED)


def _show(board: RuleBoard) -> None:
    shown = [one for one in board.sights if one.is_blind or one.state is RuleState.NOT_FED]
    if shown:
        columns = (
            Text(ja="規則", en="Rule"),
            Text(ja="状態", en="State"),
            Text(ja="理由", en="Why"),
        )
        output.show_table(columns, [_row(one) for one in shown])
    counts = {state: board.count(state) for state in RuleState}
    print(
        output.say(
            Text(
                ja=f"見えている {_seeing(counts)}、見えていない {len(board.blind)}、"
                f"まだ数値がない {counts[RuleState.NOT_FED]}(全 {len(board.sights)})",
                en=f"{_seeing(counts)} see, {len(board.blind)} are blind, "
                f"{counts[RuleState.NOT_FED]} are not fed yet (of {len(board.sights)})",
            )
        )
    )


def _seeing(counts: dict[RuleState, int]) -> int:
    return counts[RuleState.OK] + counts[RuleState.PENDING] + counts[RuleState.FIRING]


def _row(one: Sight) -> list[str]:
    why = ([one.rule.fed_by] if one.state is RuleState.NOT_FED and one.rule.fed_by else []) or [
        reason.says for reason in one.reasons
    ]
    return [
        one.rule.name,
        output.word("alert_rule", one.state),
        " / ".join(dict.fromkeys(output.say(says) for says in why)),
    ]


def _describe(one: Sight) -> dict[str, object]:
    return {
        "name": one.rule.name,
        "state": one.state.value,
        "is_blind": one.is_blind,
        "fed_by": output.say(one.rule.fed_by) if one.rule.fed_by else None,
        "reasons": [
            {"why": reason.why.value, "subject": reason.subject, "says": output.say(reason.says)}
            for reason in one.reasons
        ],
    }
