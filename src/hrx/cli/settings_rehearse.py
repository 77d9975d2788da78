"""`hrx settings rehearse`: every rotation once on a scratch ground, while everybody goes on using it."""

from __future__ import annotations

from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.ending import end_in_order
from hrx.cli.machine import join_stack
from hrx.cli.options import AsJson
from hrx.cli.plane import machine_actor
from hrx.kit.errors import Invalid, Text
from hrx.kit.settings import load
from hrx.ops.drills.recovery.running import refuse_in_production
from hrx.ops.drills.rotating.ground import Rehearsal, opened_rehearsal
from hrx.ops.drills.rotating.rehearsing import Rotated, list_rehearsed, rehearse
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import find_layout
from hrx.ops.targets.machine.settings import MachineSettings


def rehearse_all(
    only: Annotated[
        list[str] | None, typer.Option("--only", help="A role or a setting; several times for several.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rotate everything on a scratch ground while it is used. Exit code 1 when somebody was turned away."""
    join_stack()
    settings = load(OpsSettings)
    refuse_in_production(settings.environment, machine_actor())
    layout = find_layout(load(MachineSettings), may_create_user=True)
    end_in_order()
    with opened_rehearsal(layout, settings=settings) as rehearsal:
        done = [rehearse(rehearsal, name) for name in _choose(rehearsal, only or [])]
    _show(done, as_json=as_json)
    if not all(one.is_clean for one in done):
        raise typer.Exit(output.FAILED)


def _choose(rehearsal: Rehearsal, only: list[str]) -> tuple[str, ...]:
    names = list_rehearsed(rehearsal)
    unknown = [name for name in only if name not in names]
    if unknown:
        raise Invalid(
            Text(ja=f"演習できません: {' '.join(unknown)}", en=f"Not rehearsed: {' '.join(unknown)}"),
            hint=Text(ja=f"演習できるもの: {' '.join(names)}", en=f"These are: {' '.join(names)}"),
            code="rehearsal.unknown",
        )
    return tuple(only) or names


def _show(done: list[Rotated], *, as_json: bool) -> None:
    if as_json:
        output.show_json(
            [
                {
                    "name": one.name,
                    "steps": one.steps,
                    "seconds": round(one.seconds, 1),
                    "let_in": one.let_in,
                    "refused": list(one.refused),
                    "is_new": one.is_new,
                    "problem": one.problem,
                }
                for one in done
            ]
        )
        return
    columns = (
        Text(ja="名前", en="name"),
        Text(ja="段階", en="steps"),
        Text(ja="秒", en="s"),
        Text(ja="通った", en="let in"),
        Text(ja="断られた", en="refused"),
        Text(ja="結果", en="result"),
    )
    fine = output.say(Text(ja="新しくなった", en="renewed"))
    rows = [
        (
            one.name,
            str(one.steps),
            f"{one.seconds:.1f}",
            str(one.let_in),
            str(len(one.refused)),
            one.problem or (fine if one.is_clean else "; ".join(dict.fromkeys(one.refused)) or "-"),
        )
        for one in done
    ]
    output.show_table(columns, rows)
