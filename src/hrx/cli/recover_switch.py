"""`hrx recover switch`: the plan that puts a copy in the place of the living database, or takes that back."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun
from hrx.cli.plane import acting
from hrx.cli.procedure_text import show_plan
from hrx.kit.errors import Text
from hrx.ops.operators.roles import Permission
from hrx.ops.recovery import switching
from hrx.ops.recovery.site import open_site
from hrx.ops.run.planning import propose

SWITCH: Final = "switch-database"
BACK: Final = "switch-database-back"


def switch(
    name: Annotated[str, typer.Argument(help="The copy's name.")],
    back: Annotated[
        bool, typer.Option("--back", help="Take the switch to this copy back: the data from before returns.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Plan the switch to a copy; another person approves it before it runs."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        site = open_site(plane.settings)
        if back:
            kept = any(one.name == name for one in switching.list_kept(site))
            if not kept:
                raise switching.nothing_kept(name)
        else:
            switching.require_good(site, name)
        procedure = BACK if back else SWITCH
        if dry_run:
            output.show_json({"would_plan": procedure, "copy": name, "dry_run": True})
            return
        why = reason.strip() or output.say(Text(ja=f"写し {name} への復旧", en=f"Recovery to copy {name}"))
        record = propose(plane, procedure, params={"copy": name}, reason=why, actor=actor, incident_id=None)
    if as_json:
        output.show_json({"plan": record.seq, "procedure": procedure, "copy": name})
        return
    show_plan(record.plan, seq=record.seq)
    print(
        output.say(
            Text(
                ja=f"→ 別の人が承認: `hrx procedure approve {record.seq} --operator 名前`\n"
                f"→ そのあと実行: `hrx procedure run {record.seq}`",
                en=f"→ Somebody else approves: `hrx procedure approve {record.seq} --operator NAME`\n"
                f"→ Then run it: `hrx procedure run {record.seq}`",
            )
        )
    )
