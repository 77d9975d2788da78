"""`hrx incident …`: what is wrong, who has it, until when; and everything one can do about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import uuid4

import typer

from hrx.cli import incident_acts, output
from hrx.cli.incident_words import clocks_of, say_clock, to_document
from hrx.cli.options import As, AsJson, Code, DryRun, IncidentNumber, PastToo, Yes
from hrx.cli.plane import acting, confirm, opened, show_done
from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.incidents.intake import take_signals
from hrx.ops.incidents.story import list_story
from hrx.ops.ledger.incidents import get_incident, list_incidents, list_unresolved
from hrx.ops.ledger.signals import find_home, list_conditions
from hrx.ops.operators.roles import Permission
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState

Level = Annotated[int, typer.Option("--severity", min=1, max=4, help="1 is worst.")]


def register(app: typer.Typer) -> None:
    """Add `hrx incident`."""
    group = typer.Typer(help="Incidents: what is wrong, who has it, until when.", no_args_is_help=True)
    for name, command in (
        ("list", list_all),
        ("show", show),
        ("report", report),
        ("acknowledge", incident_acts.acknowledge),
        ("severity", incident_acts.severity),
        ("pause", incident_acts.pause),
        ("resume", incident_acts.resume),
        ("mitigate", incident_acts.mitigate),
        ("resolve", incident_acts.resolve),
        ("reopen", incident_acts.reopen),
        ("close", incident_acts.close),
        ("merge", incident_acts.merge),
        ("split", incident_acts.split),
        ("note", incident_acts.note),
        ("role", incident_acts.role),
    ):
        group.command(name)(command)
    app.add_typer(group, name="incident")


def list_all(
    every: PastToo = False,
    as_json: AsJson = False,
) -> None:
    """The incidents in which somebody still has something to do, the newest first."""
    with opened() as plane:
        with plane.ledger.store.read() as connection:
            open_ones = list_unresolved(connection)[::-1]
        found = list_incidents(plane.ledger.store) if every else open_ones
        rows = [(one, *clocks_of(plane, one)) for one in found]
    if as_json:
        output.show_json({"items": [to_document(*row) for row in rows]})
        return
    if not rows:
        print(output.say(Text(ja="対応中の障害はありません", en="There is no open incident")))
        return
    columns = (
        Text(ja="番号", en="#"),
        Text(ja="重大度", en="Severity"),
        Text(ja="状態", en="State"),
        Text(ja="内容", en="What"),
        Text(ja="担当", en="With"),
        Text(ja="対応開始", en="Respond"),
        Text(ja="復旧", en="Recover"),
    )
    cells = [
        [
            str(one.id),
            one.severity.label,
            output.word("incident", one.state.value),
            output.say(one.title),
            output.actor(one.acknowledged_by or "–"),
            say_clock(respond),
            say_clock(recover),
        ]
        for one, respond, recover in rows
    ]
    output.show_table(columns, cells)


def show(number: IncidentNumber, as_json: AsJson = False) -> None:
    """One incident with its clocks and its time line."""
    with opened() as plane:
        found = get_incident(plane.ledger.store, number)
        respond, recover = clocks_of(plane, found)
        story = list_story(plane, number)
        with plane.ledger.store.read() as connection:
            conditions = list_conditions(connection, number)
    if as_json:
        lines = [
            {"seq": told.entry.seq, "at": told.entry.at, "actor": told.entry.actor, **asdict(told.text)}
            for told in story
        ]
        held = [{"key": one.key, "state": one.state.value, **asdict(one.summary)} for one in conditions]
        output.show_json({**to_document(found, respond, recover), "conditions": held, "story": lines})
        return
    print(f"#{found.id} {found.severity.label} {output.say(found.title)}")
    output.show_facts(
        [
            (Text(ja="状態", en="State"), output.word("incident", found.state.value)),
            (Text(ja="部品", en="Part"), found.part or "–"),
            (Text(ja="手順", en="Procedure"), found.sop or "–"),
            (Text(ja="担当", en="With"), output.actor(found.acknowledged_by or "–")),
            (Text(ja="対応開始", en="Respond"), say_clock(respond)),
            (Text(ja="復旧", en="Recover"), say_clock(recover)),
        ]
    )
    heading = (
        Text(ja="条件:", en="Conditions:") if conditions else Text(ja="条件: なし", en="Conditions: none")
    )
    print(output.say(heading))
    for one in conditions:
        print(f"  {output.word('alert', one.state.value)}  {output.say(one.summary)}  [{one.key}]")
    print(output.say(Text(ja="経過:", en="Time line:")))
    for told in reversed(story):
        at, who = output.moment(told.entry.at, to_second=True), output.actor(told.entry.actor)
        print(f"  {at}  {who}: {output.say(told.text)}")


def report(
    said: Annotated[str, typer.Argument(help="What is wrong, in a sentence.")],
    level: Level = 3,
    part: Annotated[str, typer.Option(help="The part, if known.")] = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Say that something is wrong; it opens an incident or joins the one it belongs to."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        home = None
        if not dry_run:
            confirm(Text(ja=f"SEV{level} として報告しますか?", en=f"Report it as SEV{level}?"), yes=yes)
            key = f"report:{uuid4().hex[:12]}"
            signal = Signal(
                source=SignalSource.CLI,
                key=key,
                name="Report",
                state=SignalState.FIRING,
                started_at=clock.now(),
                summary=Text(ja=said[:300], en=said[:300]),
                part=part or None,
                severity=Severity(level),
                labels={"reported_by": actor.name},
            )
            take_signals(plane, [signal])
            home = find_home(plane.ledger.store, key)
    trial = Text(ja="(試行)報告します", en="(dry run) would be reported")
    done = Text(ja=f"障害 {home} に記録しました", en=f"On record in incident {home}")
    show_done(trial if dry_run else done, {"incident": home, "dry_run": dry_run}, as_json=as_json)
