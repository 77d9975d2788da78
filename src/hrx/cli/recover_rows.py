"""`hrx recover bring-back|effects|erasures`: what one tenant lost, what waits, and who stays erased."""

from __future__ import annotations

from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun, Reason
from hrx.cli.plane import acting, opened
from hrx.kit.errors import Text
from hrx.ops.operators.roles import Permission
from hrx.ops.recovery.effects import find_hold, tell_hold
from hrx.ops.recovery.erasing import find_unerased, list_orders
from hrx.ops.recovery.living import opened_living
from hrx.ops.recovery.returning import Returned, plan_return
from hrx.ops.recovery.site import open_site
from hrx.ops.run.acting.bringing import opened_pair, scope_of
from hrx.ops.run.planning import propose

_PLAN_S = 600.0


def bring_back(
    copy: Annotated[str, typer.Argument(help="The copy to bring rows back from.")],
    tenant: Annotated[int, typer.Option(help="The tenant's number, as a comparison shows it.", min=1)],
    table: Annotated[str, typer.Option(help="One table, such as app.person.")] = "all",
    keys: Annotated[str, typer.Option(help="Numbers of rows of that table, with commas between.")] = "all",
    set_back: Annotated[bool, typer.Option(help="Rows changed since go back as well.")] = False,
    reason: Reason = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Count what one tenant lost, and plan to bring it back; another person approves before it is done."""
    params = {
        "copy": copy,
        "tenant": str(tenant),
        "table": table,
        "keys": keys.replace(" ", ""),
        "changed": "set-back" if set_back else "keep",
    }
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        with opened_pair(plane, copy, timeout_s=_PLAN_S) as (site, there, here):
            found = plan_return(there, here, scope_of(params), orders=list_orders(site.folder))
        seq = None
        if found.rows and not dry_run:
            params["rows"] = str(found.rows)
            seq = propose(plane, "bring-back-rows", params=params, reason=reason, actor=actor).seq
    if as_json:
        output.show_json({**found.as_dict(), "plan": seq, "dry_run": dry_run})
        return
    _show(found)
    if seq is not None:
        print(
            output.say(
                Text(
                    ja=f"計画 {seq} を作りました。別の人が `hrx procedure approve {seq}`、"
                    f"そのあと `hrx procedure run {seq}`",
                    en=f"Plan {seq} is made. Somebody else: `hrx procedure approve {seq}`,"
                    f" then `hrx procedure run {seq}`",
                )
            )
        )


def _show(found: Returned) -> None:
    if not found.tables:
        print(output.say(Text(ja="戻す行はありません", en="There is nothing to bring back")))
        return
    columns = (
        Text(ja="表", en="Table"),
        Text(ja="戻す行", en="Put back"),
        Text(ja="以前の内容にする行", en="Set back"),
        Text(ja="違うが今のままの行", en="Differ and stay"),
    )
    rows = [[one.table, f"{one.missing:,}", f"{one.set_back:,}", f"{one.left:,}"] for one in found.tables]
    output.show_table(columns, rows)
    print(
        output.say(
            Text(
                ja=f"合計 {found.rows:,} 行を書きます({found.seconds:.1f} 秒で試しました)",
                en=f"{found.rows:,} rows would be written (tried in {found.seconds:.1f} s)",
            )
        )
    )


def effects(as_json: AsJson = False) -> None:
    """Whether outside effects are held after a restore, and what waits."""
    with opened() as plane, opened_living(open_site(plane.settings)) as session:
        hold = find_hold(session)
    waiting = hold.waiting if hold else ()
    if as_json:
        items = [
            {"task": one.task, "of_the_past": one.is_of_the_past, "jobs": one.jobs, "tenants": one.tenants}
            for one in waiting
        ]
        output.show_json({"held": hold is not None, "items": items})
        return
    print(output.say(tell_hold(hold)))
    if hold is None:
        return
    columns = (
        Text(ja="仕事", en="Job"),
        Text(ja="いつの", en="Of"),
        Text(ja="件数", en="Waiting"),
        Text(ja="テナント", en="Tenants"),
    )
    past, newer = Text(ja="復元した時点", en="the restored moment"), Text(ja="その後", en="since then")
    rows = [
        [one.task, output.say(past if one.is_of_the_past else newer), f"{one.jobs:,}", str(one.tenants)]
        for one in waiting
    ]
    output.show_table(columns, rows)
    print(
        output.say(
            Text(
                ja="→ 再開する: `hrx procedure plan release-effects -p past=run`(済んでいたなら past=drop)",
                en="→ Release: `hrx procedure plan release-effects -p past=run`"
                " (past=drop when they had been done)",
            )
        )
    )


def erasures(as_json: AsJson = False) -> None:
    """Who was erased, by number, and whether they are erased in the living database. Exit code 1: not all."""
    with opened() as plane:
        site = open_site(plane.settings)
        orders = list_orders(site.folder)
        with opened_living(site) as session:
            left = set(find_unerased(session, orders))
    if as_json:
        items = [
            {
                "tenant": one.tenant,
                "person": one.person,
                "ordered_at": one.ordered_at.isoformat(),
                "reference": one.reference,
                "is_erased": one not in left,
            }
            for one in orders
        ]
        output.show_json({"items": items})
    else:
        columns = (
            Text(ja="テナント", en="Tenant"),
            Text(ja="人物", en="Person"),
            Text(ja="請求", en="Reference"),
            Text(ja="日時", en="When"),
            Text(ja="状態", en="State"),
        )
        gone, readable = Text(ja="消去済み", en="erased"), Text(ja="まだ読める", en="still readable")
        rows = [
            [
                str(one.tenant),
                str(one.person),
                one.reference,
                output.moment(one.ordered_at),
                output.say(readable if one in left else gone),
            ]
            for one in orders
        ]
        output.show_table(columns, rows)
    if left:
        raise typer.Exit(output.FAILED)
