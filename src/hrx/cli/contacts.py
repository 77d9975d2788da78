"""`hrx contacts …`: who can be called, and whether the entries are still right."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun, Yes
from hrx.cli.plane import acting, confirm, opened, show_done
from hrx.kit.errors import Text
from hrx.ops.operators.roles import Permission
from hrx.ops.paging import freshness
from hrx.ops.paging.freshness import Freshness, list_freshness, today_of
from hrx.ops.runbook.contacts import Contact

Entry = Annotated[str, typer.Argument(help="The entry, such as sato or vendor:stripe.")]


def register(app: typer.Typer) -> None:
    """Add `hrx contacts`."""
    group = typer.Typer(
        help="Contacts: people, vendors, and when each was last confirmed.", no_args_is_help=True
    )
    group.command("list")(list_all)
    group.command("verify")(verify)
    group.command("check")(check)
    app.add_typer(group, name="contacts")


def list_all(as_json: AsJson = False) -> None:
    """Everybody who can be called, with the day of the last confirmation."""
    _show(only_stale=False, as_json=as_json)


def check(as_json: AsJson = False) -> None:
    """Which entries were not confirmed for too long. Exit code 1 when there is one."""
    if _show(only_stale=True, as_json=as_json):
        raise typer.Exit(output.FAILED)


def verify(
    entry: Entry,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Stand by an entry: it was called, and it answered."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        if not dry_run:
            question = Text(
                ja=f"{entry} に連絡して応答がありましたか?", en=f"Did you reach {entry}, and did it answer?"
            )
            confirm(question, yes=yes)
            freshness.confirm(plane, entry, actor=actor)
    trial = Text(ja="(試行)確認を記録します", en="(dry run) would be put on record")
    done = Text(ja=f"{entry} の確認を記録しました", en=f"{entry} is confirmed")
    show_done(trial if dry_run else done, {"contact": entry, "dry_run": dry_run}, as_json=as_json)


def _show(*, only_stale: bool, as_json: bool) -> int:
    with opened() as plane:
        today = today_of(plane)
        with plane.ledger.store.read() as connection:
            found = list_freshness(plane, connection)
    shown = [one for one in found if not only_stale or one.is_stale(today)]
    if as_json:
        output.show_json({"items": [_to_document(one, is_stale=one.is_stale(today)) for one in shown]})
    elif not shown:
        print(
            output.say(
                Text(ja="✓ 連絡先はすべて期限内に確認されています", en="✓ Every contact is confirmed in time")
            )
        )
    else:
        columns = (
            Text(ja="名前", en="Entry"),
            Text(ja="誰", en="Who"),
            Text(ja="経路", en="Ways"),
            Text(ja="最後の確認", en="Confirmed"),
            Text(ja="次の期限", en="Next"),
            Text(ja="状態", en="State"),
        )
        output.show_table(columns, [_row(one, is_stale=one.is_stale(today)) for one in shown])
    return sum(one.is_stale(today) for one in shown)


def _row(one: Freshness, *, is_stale: bool) -> list[str]:
    if isinstance(one.entry, Contact):
        who, ways = (
            output.say(one.entry.name),
            ", ".join(output.word("channel", way.kind.value) for way in one.entry.channels),
        )
    else:
        who, ways = one.entry.name, one.entry.support_url
    state = Text(ja="期限切れ", en="overdue") if is_stale else Text(ja="確認済み", en="confirmed")
    return [one.id, who, ways, str(one.checked_on), str(one.due_on), output.say(state)]


# `Any`: JSON.
def _to_document(one: Freshness, *, is_stale: bool) -> dict[str, Any]:
    return {
        "id": one.id,
        "checked_on": one.checked_on,
        "checked_by": one.checked_by,
        "due_on": one.due_on,
        "is_stale": is_stale,
    }
