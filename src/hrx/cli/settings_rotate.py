"""`hrx settings rotate`: how a secret is replaced with two valid at once; the procedure does what it can."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.options import AsJson
from hrx.kit.errors import Text
from hrx.ops.release.environments.rotation import Who, list_rotatable, plan_rotation

_WHO: Final = {
    Who.PROCEDURE: Text(ja="手順", en="procedure"),
    Who.OPERATOR: Text(ja="あなた", en="you"),
    Who.ISSUER: Text(ja="発行者・相手側で", en="at the issuer or the other side"),
}


def rotate(
    name: Annotated[
        str | None, typer.Argument(help="The secret's name; without one, all that can be rotated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how a secret is replaced with two valid at once: who does what, in which order."""
    if name is None:
        names = list_rotatable()
        output.show_json(list(names)) if as_json else print("\n".join(names))
        return
    plan = plan_rotation(name)
    if as_json:
        steps = [
            {
                "name": output.say(step.name),
                "who": step.who.value,
                "in_use": sorted(step.in_use),
                "accepted": sorted(step.accepted),
            }
            for step in plan.steps
        ]
        output.show_json({"name": name, "kind": plan.kind.value, "procedure": plan.procedure, "steps": steps})
        return
    columns = (Text(ja="", en=""), Text(ja="誰が", en="who"), Text(ja="すること", en="what"))
    rows = [
        (str(number), output.say(_WHO[step.who]), output.say(step.name))
        for number, step in enumerate(plan.steps, start=1)
    ]
    output.show_table(columns, rows)
    if plan.procedure is not None:
        said = Text(
            ja=f"→ `hrx procedure plan {plan.procedure}` で計画し、承認を得て実行します。",
            en=f"→ Plan it with `hrx procedure plan {plan.procedure}`, have it approved, and run it.",
        )
        print(output.say(said))
