"""`hrx logs`: the last lines of one part or of all; read from the files, so it works with everything down."""

from __future__ import annotations

from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.up import open_machine
from hrx.kit.errors import Text
from hrx.kit.secrets import mask_text
from hrx.ops.targets.machine.machine import PARTS, Machine

_LINE_BYTES = 2000


def register(app: typer.Typer) -> None:
    """Add `hrx logs`."""
    app.command("logs")(logs)


def logs(
    part: Annotated[str | None, typer.Argument(help="One part, such as api-blue; all when left out.")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=100_000, help="How many lines.")] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """What the parts wrote last; secrets masked."""
    layout, _ = open_machine()
    machine = Machine(layout)
    count = lines if part else max(1, lines // 5)
    found = {
        name: [
            mask_text(line) for line in machine.tail_log(name, size_bytes=count * _LINE_BYTES).splitlines()
        ]
        for name in ([part] if part else PARTS)
    }
    found = {name: said[-count:] for name, said in found.items()}
    if as_json:
        output.show_json(found)
        return
    for name, said in found.items():
        if said or part:
            print(f"── {name} " + "─" * max(0, 60 - len(name)))
            print("\n".join(said) or output.say(Text(ja="(記録はありません)", en="(nothing was written)")))
