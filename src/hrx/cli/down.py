"""`hrx down`: stop everything in order, data kept."""

from __future__ import annotations

import time

import typer

from hrx.cli import output
from hrx.cli.machine import open_machine
from hrx.cli.options import AsJson
from hrx.cli.up import show_event
from hrx.kit.errors import Text
from hrx.kit.settings import load
from hrx.ops.recovery.site import Site
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.halt import take_down
from hrx.ops.targets.machine.progress import silent


def register(app: typer.Typer) -> None:
    """Add `hrx down`."""
    app.command("down")(down)


def down(as_json: AsJson = False) -> None:
    """Stop every part, the edge first and PostgreSQL last (fast shutdown); harmless when nothing runs."""
    started = time.monotonic()
    layout, _ = open_machine()
    proving = Site(settings=load(OpsSettings), layout=layout).proving_dir
    stragglers = take_down(layout, report=silent if as_json else show_event, proving=proving)
    took = round(time.monotonic() - started, 1)
    if as_json:
        output.show_json({"ended_without_supervisor": stragglers, "seconds": took})
        return
    if stragglers:
        names = ", ".join(stragglers)
        print(
            output.say(
                Text(
                    ja=f"管理プロセスのないまま残っていたものを終了しました: {names}",
                    en=f"Ended what was left without a supervisor: {names}",
                )
            )
        )
    print(
        output.say(
            Text(ja=f"停止しました({took} 秒)。データは残っています。", en=f"Down ({took} s); data kept.")
        )
    )
