"""`hrx check`: look at every part now, from outside; works with everything down."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import AsJson
from hrx.cli.plane import actor_of, opened
from hrx.kit.errors import Text
from hrx.ops.check import Status
from hrx.ops.ledger.entries import Kind
from hrx.ops.run.actions import view_to_evidence
from hrx.ops.run.looking import PartView, look_at_part
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.parts import get_part
from hrx.ops.targets.target import PartState, PartStatus

_MARKS = {Status.OK: "✓", Status.DEGRADED: "!", Status.DOWN: "✗", Status.UNKNOWN: "?"}


def register(app: typer.Typer) -> None:
    """Add `hrx check`."""
    app.command("check")(check)


def check(
    parts: Annotated[
        list[str] | None, typer.Argument(help="Parts to look at; all when none is named.")
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep the look in the ledger.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at parts now. Exit code 1 when a required one is down."""
    with opened() as plane:
        views = look_at(plane, parts or [])
        if record:
            evidence = {view.info.name: view_to_evidence(view) for view in views}
            plane.ledger.append(Kind.LOOK, actor=actor_of(plane, None).name, body={"parts": evidence})
    is_well = not any(view.status is Status.DOWN and view.is_required for view in views)
    if as_json:
        output.show_json({"is_well": is_well, "parts": [view_to_evidence(view) for view in views]})
    else:
        _show(views)
    if not is_well:
        raise typer.Exit(output.FAILED)


def look_at(plane: Plane, names: list[str]) -> list[PartView]:
    """The parts of these names (all when empty), looked at in parallel. Raises NotFound."""
    known = plane.content.parts
    infos = [get_part(known, name) for name in names] or list(known)
    processes = {status.name: status for status in plane.target.list_parts()}
    with ThreadPoolExecutor(max_workers=len(infos)) as pool:
        return list(
            pool.map(
                lambda info: look_at_part(
                    plane,
                    info,
                    process=processes.get(info.name, PartStatus(name=info.name, state=PartState.UNKNOWN)),
                ),
                infos,
            )
        )


def _show(views: list[PartView]) -> None:
    columns = (
        Text(ja="", en=""),
        Text(ja="部品", en="Part"),
        Text(ja="状態", en="State"),
        Text(ja="応答", en="Answers in"),
        Text(ja="版", en="Version"),
    )
    rows = []
    for view in views:
        lost = f" — {output.say(view.info.lost)}" if view.status is Status.DOWN else ""
        latency = f"{view.latency_ms:g} ms" if view.latency_ms is not None else "–"
        rows.append(
            [
                _MARKS[view.status],
                view.info.name,
                output.say(view.summary) + lost,
                latency,
                str(view.version.get("version", "–")),
            ]
        )
    output.show_table(columns, rows)
