"""`hrx drill people`: a working day's requests, for a deploy or a drill by hand to happen under."""

from __future__ import annotations

import contextlib
import time
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code
from hrx.cli.plane import actor_of, opened
from hrx.kit.errors import Text
from hrx.ops.drills.ground import open_ground
from hrx.ops.drills.refusing import refuse_in_production
from hrx.ops.drills.traffic import BOTH_SERVICES, Tally, people_at_work
from hrx.ops.operators.roles import Permission, require


def people(
    per_s: Annotated[float, typer.Option("--per-s", help="Requests a second.", min=0.1, max=500)] = 40,
    for_s: Annotated[float, typer.Option("--for", help="Stop after so many seconds.", min=1)] = 600,
    operator: As = None,
    code: Code = "",
    as_json: AsJson = False,
) -> None:
    """Demo people at work, signed in, until the time is over or Ctrl-C; then what they got."""
    with opened() as plane:
        ground = open_ground(plane)
        actor = actor_of(plane, operator, code=code)
        require(actor, Permission.PLAN_AND_RUN)
        refuse_in_production(ground, actor=actor)
        with (
            people_at_work(ground, per_s=per_s, paths=BOTH_SERVICES) as tally,
            contextlib.suppress(KeyboardInterrupt),
        ):
            time.sleep(for_s)
    _show(tally, as_json=as_json)
    if tally.failed or tally.lost:
        raise typer.Exit(output.FAILED)


def _show(tally: Tally, *, as_json: bool) -> None:
    if as_json:
        output.show_json({"answered": tally.answered, "failed": tally.failed, "lost": tally.lost})
        return
    print(
        output.say(
            Text(
                ja=f"応答 {tally.answered:,} 件、エラー(5xx){tally.failed:,} 件、応答なし {tally.lost:,} 件",
                en=f"{tally.answered:,} answered, {tally.failed:,} failed (5xx), {tally.lost:,} unanswered",
            )
        )
    )
