"""`hrx settings rotate`: replace a secret with two valid at once; where no run can, say who does what."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun, Yes
from hrx.cli.plane import opened
from hrx.cli.settings_turning import drop, say_turning, turn, turning_document
from hrx.kit.errors import Text
from hrx.ops.release.environments.rotation import RotationPlan, Who, list_rotatable, plan_rotation
from hrx.ops.run.turnings import find_turning, list_turnable

_WHO: Final = {
    Who.PROCEDURE: Text(ja="手順", en="procedure"),
    Who.OPERATOR: Text(ja="あなた", en="you"),
    Who.ISSUER: Text(ja="発行者・相手側で", en="at the issuer or the other side"),
}


def rotate(
    name: Annotated[
        str | None, typer.Argument(help="The secret's name; without one, all that can be rotated.")
    ] = None,
    drop_candidate: Annotated[
        bool, typer.Option("--drop-candidate", help="Throw away the new key that waits for its place.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Replace a secret with two valid at once, from wherever it stands; a new key is asked for or piped."""
    if name is None:
        names = list_rotatable()
        output.show_json(list(names)) if as_json else print("\n".join(names))
        return
    plan = plan_rotation(name)
    with opened() as plane:
        if name not in list_turnable(plane):
            _say(plan, where=None, as_json=as_json)
        elif drop_candidate:
            drop(plane, name, operator=operator, code=code, dry_run=dry_run, yes=yes, as_json=as_json)
        elif dry_run:
            turning = find_turning(plane, name)
            if not as_json:
                print(say_turning(turning))
            _say(plan, where=turning_document(turning), as_json=as_json)
        else:
            turn(plane, name, operator=operator, code=code, reason=reason, yes=yes, as_json=as_json)


def _say(plan: RotationPlan, *, where: dict[str, object] | None, as_json: bool) -> None:
    """Who does what, in which order; `where` it stands goes into the JSON."""
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
        said = {"name": plan.name, "kind": plan.kind.value, "procedure": plan.procedure, "steps": steps}
        output.show_json({**said, "stands": where})
        return
    columns = (Text(ja="", en=""), Text(ja="誰が", en="who"), Text(ja="すること", en="what"))
    rows = [
        (str(number), output.say(_WHO[step.who]), output.say(step.name))
        for number, step in enumerate(plan.steps, start=1)
    ]
    output.show_table(columns, rows)
    if where is None and plan.procedure is not None:
        said_next = Text(
            ja=f"→ `hrx procedure plan {plan.procedure}` で計画し、承認を得て実行します。",
            en=f"→ Plan it with `hrx procedure plan {plan.procedure}`, have it approved, and run it.",
        )
        print(output.say(said_next))
