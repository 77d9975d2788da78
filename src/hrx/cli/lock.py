"""`hrx lock …`: who holds what, why and until when; and ending a lock whose holder is gone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun, Reason, Yes
from hrx.cli.plane import acting, confirm, opened, show_done
from hrx.kit.errors import NotFound, Text
from hrx.ops import lock as locks
from hrx.ops.operators.roles import Permission


def register(app: typer.Typer) -> None:
    """Add `hrx lock`."""
    group = typer.Typer(help="Locks of running procedures.", no_args_is_help=True)
    group.command("show")(show)
    group.command("break")(break_lock)
    app.add_typer(group, name="lock")


def show(as_json: AsJson = False) -> None:
    """The locks that block somebody now."""
    with opened() as plane:
        held = locks.list_held(plane.ledger)
    if as_json:
        output.show_json({"items": [asdict(item) for item in held]})
        return
    if not held:
        print(output.say(Text(ja="ロックはありません", en="Nothing is locked")))
        return
    columns = (
        Text(ja="名前", en="Name"),
        Text(ja="誰が", en="Holder"),
        Text(ja="理由", en="Why"),
        Text(ja="期限 (UTC)", en="Until (UTC)"),
    )
    rows = [
        [item.name, output.actor(item.owner), item.reason, output.moment(item.expires_at, to_second=True)]
        for item in held
    ]
    output.show_table(columns, rows)


def break_lock(
    name: Annotated[str, typer.Argument(help="The lock's name, such as part:worker.")],
    reason: Reason,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """End somebody else's lock; the run that held it stops at its next step."""
    with acting(operator, code=code, needs=Permission.BREAK_LOCK) as (plane, actor):
        held = next((item for item in locks.list_held(plane.ledger) if item.name == name), None)
        if held is None:
            raise NotFound(
                Text(ja=f"「{name}」は誰も使用していません", en=f"Nobody holds “{name}”"),
                hint=Text(ja="`hrx lock show` で一覧できます。", en="`hrx lock show` lists the locks."),
                code="lock.not_held",
            )
        if not dry_run:
            question = Text(
                ja=f"{held.owner} のロック「{name}」({held.reason})を解除しますか?",
                en=f"Break the lock “{name}” of {held.owner} ({held.reason})?",
            )
            confirm(question, yes=yes)
            locks.break_lock(plane.ledger, name, actor=actor.name, reason=reason)
    show_done(
        Text(
            ja=f"{'(試行)' if dry_run else ''}「{name}」を解除しました",
            en=f"{'(dry run) ' if dry_run else ''}“{name}” is free",
        ),
        {"lock": name, "owner": held.owner, "dry_run": dry_run},
        as_json=as_json,
    )
