"""`hrx post-mortem …`: what was learned from incidents, and the actions that came of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun, IncidentNumber, PastToo, Yes
from hrx.cli.plane import acting, actor_of, confirm, opened, read_params, show_done
from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.communication import action_items
from hrx.ops.communication.post_mortem_text import to_markdown
from hrx.ops.communication.post_mortems import approve, begin, hand_in, send_back, write
from hrx.ops.communication.retrospect import look_back
from hrx.ops.ledger.incidents import get_incident
from hrx.ops.ledger.post_mortems import (
    ActionItem,
    ActionState,
    PostMortem,
    get_post_mortem,
    list_actions,
    list_post_mortems,
)
from hrx.ops.operators.roles import Permission

Action = Annotated[int, typer.Argument(help="The action's number.")]
Outcome = Annotated[str, typer.Option(help="What came of it, or why not.")]


def register(app: typer.Typer) -> None:
    """Add `hrx post-mortem`."""
    group = typer.Typer(help="Post-mortems: what was learned, and what will be done.", no_args_is_help=True)
    for name, command in (
        ("list", list_all),
        ("show", show),
        ("begin", start),
        ("write", save),
        ("hand-in", submit),
        ("approve", stand_by),
        ("send-back", refuse),
        ("actions", show_actions),
        ("add-action", add_action),
        ("finish-action", finish_action),
        ("drop-action", drop_action),
    ):
        group.command(name)(command)
    app.add_typer(group, name="post-mortem")


def list_all(as_json: AsJson = False) -> None:
    """The post-mortems with their next due moment. Exit code 1 when one is overdue."""
    now = clock.now()
    with opened() as plane:
        found = list_post_mortems(plane.ledger.store)
        titles = {one.incident_id: get_incident(plane.ledger.store, one.incident_id).title for one in found}
    if as_json:
        output.show_json({"items": [to_document(one) for one in found]})
    elif not found:
        print(output.say(Text(ja="事後検証はまだありません", en="There is no post-mortem yet")))
    else:
        columns = (
            Text(ja="障害", en="Incident"),
            Text(ja="状態", en="State"),
            Text(ja="次の期限", en="Next due"),
            Text(ja="提出", en="Handed in"),
            Text(ja="承認", en="Approved"),
        )
        rows = [
            [
                f"#{one.incident_id} {output.say(titles[one.incident_id])}",
                output.word("post_mortem", one.state.value),
                _say_due(one.due_at, now),
                one.written_by or "–",
                one.approved_by or "–",
            ]
            for one in found
        ]
        output.show_table(columns, rows)
    if any(one.due_at is not None and one.due_at < now for one in found):
        raise typer.Exit(output.FAILED)


def show(number: IncidentNumber, as_json: AsJson = False) -> None:
    """One post-mortem as Markdown: measured times, causes with evidence, actions, time line."""
    with opened() as plane:
        with plane.ledger.store.read() as connection:
            found = get_post_mortem(connection, number)
            actions = list_actions(connection, incident_id=number)
        past = look_back(plane, get_incident(plane.ledger.store, number))
        zone = plane.content.communication.zone
    if as_json:
        items = [_action_to_document(one) for one in actions]
        output.show_json({**to_document(found), "sections": dict(found.sections), "actions": items})
        return
    print(to_markdown(found, past, actions, language=output.language(), zone=zone), end="")


def start(number: IncidentNumber, operator: As = None, code: Code = "", as_json: AsJson = False) -> None:
    """Begin one; severities 1 and 2 begin by themselves when they are resolved."""
    with opened() as plane:
        found = begin(plane, number, actor=actor_of(plane, operator, code=code))
    done = Text(ja=f"障害 {number} の事後検証を始めました", en=f"Began the post-mortem of incident {number}")
    show_done(done, to_document(found), as_json=as_json)


def save(
    number: IncidentNumber,
    sections: Annotated[list[str], typer.Option("--section", "-s", help="A section, as name=text.")],
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write sections: summary, impact, cause, factors, went_well, went_badly, no_actions."""
    given = read_params(sections)
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        if not dry_run:
            write(plane, number, sections=given, actor=actor)
    trial = Text(ja="(試行)書きます", en="(dry run) would be written")
    done = Text(ja="書きました", en="Written")
    show_done(trial if dry_run else done, {"incident": number, "dry_run": dry_run}, as_json=as_json)


def submit(number: IncidentNumber, operator: As = None, code: Code = "", as_json: AsJson = False) -> None:
    """Hand it in for approval. Refuses one that is incomplete or blames somebody (exit code 4)."""
    with opened() as plane:
        found = hand_in(plane, number, actor=actor_of(plane, operator, code=code))
    done = Text(ja="提出しました。別の承認者を待ちます", en="Handed in; another approver reads it now")
    show_done(done, to_document(found), as_json=as_json)


def stand_by(
    number: IncidentNumber, operator: As = None, code: Code = "", yes: Yes = False, as_json: AsJson = False
) -> None:
    """Approve it, as somebody else than its author."""
    with acting(operator, code=code, needs=Permission.APPROVE) as (plane, actor):
        confirm(Text(ja="承認しますか?", en="Approve it?"), yes=yes)
        found = approve(plane, number, actor=actor)
    show_done(Text(ja="承認しました", en="Approved"), to_document(found), as_json=as_json)


def refuse(
    number: IncidentNumber,
    reason: Annotated[str, typer.Option(help="What is missing.")],
    operator: As = None,
    code: Code = "",
    as_json: AsJson = False,
) -> None:
    """Send it back to be written on."""
    with opened() as plane:
        found = send_back(plane, number, reason=reason, actor=actor_of(plane, operator, code=code))
    show_done(Text(ja="差し戻しました", en="Sent back"), to_document(found), as_json=as_json)


def show_actions(
    every: PastToo = False,
    as_json: AsJson = False,
) -> None:
    """The actions that are open, the soonest due first. Exit code 1 when one is overdue."""
    with opened() as plane:
        today = clock.today(plane.content.communication.zone.key)
        with plane.ledger.store.read() as connection:
            found = list_actions(connection, states=() if every else (ActionState.OPEN,))
    if as_json:
        output.show_json({"items": [_action_to_document(one) for one in found]})
    elif not found:
        print(output.say(Text(ja="終わっていない再発防止策はありません", en="No action is open")))
    else:
        columns = (
            Text(ja="番号", en="#"),
            Text(ja="障害", en="Incident"),
            Text(ja="内容", en="What"),
            Text(ja="担当", en="Owner"),
            Text(ja="期限", en="Due"),
            Text(ja="状態", en="State"),
        )
        output.show_table(columns, [_action_row(one, today) for one in found])
    if any(one.is_overdue(today) for one in found):
        raise typer.Exit(output.FAILED)


def add_action(
    number: IncidentNumber,
    title: Annotated[str, typer.Option(help="What will be done.")],
    owner: Annotated[str, typer.Option(help="Whose it is: a contact or an operator.")],
    due_on: Annotated[datetime, typer.Option("--due", formats=["%Y-%m-%d"], help="The last day for it.")],
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Promise something that keeps it from happening again; its owner is told and reminded."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        made = None
        if not dry_run:
            made = action_items.add(
                plane, number, title=title, owner=owner, due_on=due_on.date(), actor=actor
            ).id
    trial = Text(ja="(試行)加えます", en="(dry run) would be added")
    done = Text(ja=f"再発防止策 {made} を加えました", en=f"Added action {made}")
    show_done(trial if dry_run else done, {"action": made, "dry_run": dry_run}, as_json=as_json)


def finish_action(
    number: Action, outcome: Outcome, operator: As = None, code: Code = "", as_json: AsJson = False
) -> None:
    """It is done; say what there is now."""
    with opened() as plane:
        found = action_items.finish(
            plane, number, outcome=outcome, actor=actor_of(plane, operator, code=code)
        )
    show_done(Text(ja="完了としました", en="It is done"), _action_to_document(found), as_json=as_json)


def drop_action(
    number: Action, outcome: Outcome, operator: As = None, code: Code = "", as_json: AsJson = False
) -> None:
    """It will not be done; say why."""
    with opened() as plane:
        found = action_items.drop(plane, number, outcome=outcome, actor=actor_of(plane, operator, code=code))
    show_done(Text(ja="見送りとしました", en="It is dropped"), _action_to_document(found), as_json=as_json)


# `Any`: JSON.
def to_document(found: PostMortem) -> dict[str, Any]:
    """A post-mortem as JSON, without what people wrote."""
    return {
        "incident": found.incident_id,
        "state": found.state.value,
        "due_at": found.due_at,
        "written_by": found.written_by,
        "approved_by": found.approved_by,
    }


# `Any`: JSON.
def _action_to_document(found: ActionItem) -> dict[str, Any]:
    return {
        "action": found.id,
        "incident": found.incident_id,
        "title": found.title,
        "owner": found.owner,
        "due_on": found.due_on,
        "state": found.state.value,
        "outcome": found.outcome,
    }


def _action_row(found: ActionItem, today: date) -> list[str]:
    late = (today - found.due_on).days
    due = f"{found.due_on}"
    if found.is_overdue(today):
        due += output.say(Text(ja=f"({late} 日の遅れ)", en=f" ({late} d overdue)"))
    return [
        str(found.id),
        f"#{found.incident_id}",
        found.title,
        found.owner,
        due,
        output.word("action_item", found.state.value),
    ]


def _say_due(due_at: datetime | None, now: datetime) -> str:
    if due_at is None:
        return "–"
    said = output.moment(due_at)
    return said + output.say(Text(ja="(超過)", en=" (overdue)")) if due_at < now else said
