"""`hrx rules blind` and `explain`: whether rules can see, and how a firing came to be known.

Both ask Prometheus and the ledger themselves and work without the console."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import AsJson
from hrx.cli.plane import opened
from hrx.kit.errors import Invalid, Text
from hrx.ops.observe.blindness.judging import RuleState, Sight
from hrx.ops.observe.blindness.watching import RuleBoard, RuleWatch
from hrx.ops.observe.rules.budgets import Budget, list_budgets
from hrx.ops.observe.rules.figures import read_simulated
from hrx.ops.observe.timing import Stage, Timing, explain_incident, explain_rule
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.watch.rules import AlertRule, get_rule
from hrx.ops.signal import SignalSource


def add_to(group: typer.Typer) -> None:
    """Add to `hrx rules`."""
    group.command("blind")(show_blind)
    group.command("explain")(explain)


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


def explain(
    name: Annotated[str | None, typer.Argument(help="The rule's name; its last firing.")] = None,
    incident: Annotated[int | None, typer.Option("--incident", help="The incident to explain.")] = None,
    as_json: AsJson = False,
) -> None:
    """How a firing came to be known: sample, pending, firing, grouped, told, sent, delivered, seen."""
    if (name is None) is (incident is None):
        raise Invalid(
            Text(
                ja="規則の名前か --incident のどちらか一方を指定してください",
                en="Give either the name of a rule or --incident",
            ),
            code="rules.explain_what",
        )
    with opened() as plane:
        rule = get_rule(plane.content.watch.rules, name) if name else None
        timing = explain_rule(plane, rule) if rule else explain_incident(plane, incident or 0)
        subject = rule or (timing.rule if timing else None)
        budget = _budget(plane, subject) if subject else None
    if as_json:
        output.show_json({"timing": _describe_timing(timing), "budget": _describe_budget(budget)})
        return
    if budget is not None:
        print(f"{budget.rule.name}  {output.say(budget.rule.title)}")
        output.show_facts(_budget_facts(budget))
    if timing is None:
        print(output.say(Text(ja="まだ一度も発生していません。", en="It has not fired yet.")))
        return
    _show_timing(timing)


def _budget(plane: Plane, rule: AlertRule) -> Budget:
    monitoring = plane.settings.runbook_dir.parent / "monitoring"
    return list_budgets([rule], simulated=read_simulated(monitoring), ledger=plane.ledger)[0]


def _budget_facts(budget: Budget) -> list[tuple[Text, str]]:
    simulated = f"{budget.simulated.total_s:g} s" if budget.simulated else "–"
    drilled = f"{budget.drilled.detect_s:.1f} s" if budget.drilled else "–"
    return [
        (Text(ja="約束", en="Promised"), f"{budget.promised_s:g} s"),
        (Text(ja="シミュレーション", en="Simulated"), simulated),
        (Text(ja="直近の訓練", en="Last drill"), drilled),
    ]


def _show_timing(timing: Timing) -> None:
    if timing.incident is not None:
        number, title = timing.incident.id, timing.incident.title
        print(output.say(Text(ja=f"障害 {number}: {title.ja}", en=f"Incident {number}: {title.en}")))
    if timing.first is not None and timing.first.source is not SignalSource.ALERTMANAGER:
        source, key, at = timing.first.source.value, timing.first.key, timing.first.received_at
        print(
            output.say(
                Text(
                    ja=f"先に知らせたのは {source}({key}、{_clock(at)})",
                    en=f"Told first by {source} ({key}, {_clock(at)})",
                )
            )
        )
    if len(timing.voices) > 1:
        _show_voices(timing)
    columns = (
        Text(ja="段階", en="Stage"),
        Text(ja="時刻", en="At"),
        Text(ja="かかった時間", en="Took"),
        Text(ja="設定上の上限", en="At most"),
        Text(ja="出どころ", en="Source"),
        Text(ja="説明", en="What"),
    )
    output.show_table(columns, [_stage_row(one) for one in timing.stages])
    if timing.total_s is not None:
        total = f"{timing.total_s:.1f}"
        print(
            output.say(
                Text(
                    ja=f"最初に分かる時刻から呼び出しの到達まで {total} 秒",
                    en=f"From the first known moment to the delivered page: {total} s",
                )
            )
        )


def _show_voices(timing: Timing) -> None:
    """Everybody who told, after the first."""
    begun = timing.voices[0].received_at
    rows = [
        [
            _clock(one.received_at),
            f"{(one.received_at - begun).total_seconds():+.1f} s",
            output.word("source", one.source),
            one.key,
        ]
        for one in timing.voices
    ]
    columns = (
        Text(ja="時刻", en="At"),
        Text(ja="最初から", en="After the first"),
        Text(ja="誰が", en="Who"),
        Text(ja="何を", en="What"),
    )
    output.show_table(columns, rows)


def _stage_row(one: Stage) -> list[str]:
    return [
        output.word("stage", one.name),
        _clock(one.at) if one.at else output.say(Text(ja="記録なし", en="not on record")),
        f"{one.took_s:+.1f} s" if one.took_s is not None else "–",
        f"{one.expected_s:g} s" if one.expected_s is not None else "–",
        output.word("origin", one.origin),
        output.say(one.says) if one.says else "",
    ]


def _clock(at: datetime) -> str:
    return f"{at.astimezone():%H:%M:%S}.{at.microsecond // 100_000}"


def _describe_timing(timing: Timing | None) -> dict[str, object] | None:
    if timing is None:
        return None
    return {
        "rule": timing.rule.name if timing.rule else None,
        "incident": timing.incident.id if timing.incident else None,
        "first": {"source": timing.first.source.value, "key": timing.first.key} if timing.first else None,
        "total_s": timing.total_s,
        "stages": [
            {
                "name": one.name.value,
                "at": one.at.isoformat() if one.at else None,
                "took_s": one.took_s,
                "expected_s": one.expected_s,
                "origin": one.origin.value,
            }
            for one in timing.stages
        ],
    }


def _describe_budget(budget: Budget | None) -> dict[str, object] | None:
    if budget is None:
        return None
    return {
        "promised_s": budget.promised_s,
        "simulated_s": budget.simulated.total_s if budget.simulated else None,
        "drilled_s": budget.drilled.detect_s if budget.drilled else None,
    }
