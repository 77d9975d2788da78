"""What `hrx release drill` and `hrx recover drill` have in common: they ask, run and tell on a ground beside
the living system."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Protocol, TypeVar

import typer

from hrx.cli import output
from hrx.cli.ending import end_in_order
from hrx.cli.plane import actor_of, confirm
from hrx.kit.errors import Text
from hrx.ops.drills.journal import Journal
from hrx.ops.drills.recovery.running import refuse_in_production
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.plane import Plane

Names = Annotated[list[str] | None, typer.Argument(help="Drills to run; without any, all are listed.")]
All = Annotated[bool, typer.Option("--all", help="Every one.")]


class Experiment(Protocol):
    """What both suites say of a drill."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> Text: ...
    @property
    def expects(self) -> Text: ...


class Measured(Protocol):
    """What both suites keep of one that was run."""

    @property
    def drill(self) -> str: ...


_Experiment = TypeVar("_Experiment", bound=Experiment)
_Measured = TypeVar("_Measured", bound=Measured)


def ask_for(
    plane: Plane,
    chosen: Sequence[Experiment],
    question: Text,
    *,
    operator: str | None,
    code: str,
    dry_run: bool,
    yes: bool,
) -> Actor | None:
    """Who runs them, once they may and said yes; None for a dry run, which is told. From then on being asked
    to end takes the ground away first. Raises Forbidden, Refused."""
    actor = actor_of(plane, operator, code=code)
    require(actor, Permission.PLAN_AND_RUN)
    refuse_in_production(plane.settings.environment, actor)
    if dry_run:
        output.show_json({"would_run": [one.id for one in chosen], "dry_run": True})
        return None
    confirm(question, yes=yes)
    end_in_order()
    return actor


def begin_journal(plane: Plane, one: Experiment, *, actor: Actor, as_json: bool) -> Journal:
    """Its record, and a line that says that it begins."""
    if not as_json:
        print(f"■ {one.id}: {output.say(one.title)}", flush=True)
    return Journal(
        ledger=plane.ledger, run_id=secrets.token_hex(6), drill=one.id, actor=actor.name, title=one.title
    )


# `Any`: JSON.
def show_measured(
    experiments: Sequence[_Experiment],
    outcomes: Sequence[_Measured],
    *,
    columns: Sequence[Text],
    row: Callable[[_Experiment, _Measured | None], list[str]],
    document: Callable[[_Measured], Mapping[str, Any]],
    command: str,
    as_json: bool,
) -> None:
    """A table, or one JSON document; where nothing was measured yet, the command that does."""
    by_drill = {one.drill: one for one in outcomes}
    if as_json:
        items = [
            {
                "id": one.id,
                "title": output.say(one.title),
                "expects": output.say(one.expects),
                "outcome": document(by_drill[one.id]) if one.id in by_drill else None,
            }
            for one in experiments
        ]
        output.show_json({"items": items})
        return
    output.show_table(columns, [row(one, by_drill.get(one.id)) for one in experiments])
    if not outcomes:
        print(output.say(Text(ja=f"→ `{command} --all` で実施します", en=f"→ `{command} --all`")))
