"""`hrx up`: bring the whole stack up, with one line for each thing done and a table of doors at the end."""

from __future__ import annotations

import time
from dataclasses import asdict

import typer
from rich.console import Console

from hrx.cli import first_run, output
from hrx.cli.options import AsJson
from hrx.kit.errors import Text
from hrx.kit.settings import load
from hrx.ops.targets.machine import environment
from hrx.ops.targets.machine.layout import Layout, find_layout
from hrx.ops.targets.machine.progress import Event, Outcome, Report, silent
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.stack import Running, bring_up

_MARKS = {Outcome.DONE: "✓", Outcome.UNCHANGED: "·", Outcome.DEGRADED: "!", Outcome.FAILED: "✗"}


def register(app: typer.Typer) -> None:
    """Add `hrx up`."""
    app.command("up")(up)


def open_machine(*, may_create_user: bool = False) -> tuple[Layout, MachineSettings]:
    """This machine's folders and settings, `.env` of the checkout included."""
    environment.read_env_file(environment.checkout())
    settings = load(MachineSettings)
    return find_layout(settings, may_create_user=may_create_user), settings


def join_stack() -> None:
    """Let a command know what the running stack knows: its ports, its URLs, the operations role."""
    layout, _ = open_machine()
    environment.read_stack_environment(layout)


def up(
    as_json: AsJson = False,
) -> None:
    """Start everything that is not running, restart what changed; harmless when all is well."""
    started = time.monotonic()
    layout, settings = open_machine(may_create_user=True)
    report: Report = silent if as_json else show_event
    running = bring_up(layout, settings, report=report)
    sign_ins = first_run.prepare_sign_ins(running, settings, report=report)
    if as_json:
        output.show_json(_describe(running, seconds=time.monotonic() - started))
        return
    _show_doors(running, sign_ins)
    took = time.monotonic() - started
    print("\n" + output.say(Text(ja=f"起動しました({took:.1f} 秒)", en=f"HRX-AI is up ({took:.1f} s)")))


def show_event(event: Event) -> None:
    """One line: mark, what, seconds, remark."""
    note = f"  {output.say(event.note)}" if event.note else ""
    took = (
        output.say(Text(ja="変更なし", en="no change"))
        if event.outcome is Outcome.UNCHANGED
        else f"{event.seconds:5.1f} s"
    )
    name = output.say(event.name)
    Console(highlight=False, soft_wrap=True).print(
        f"  {_MARKS[event.outcome]} {_pad(name, 40)} {took}{note}", markup=False
    )


def _pad(text: str, width: int) -> str:
    """Japanese letters are two columns wide."""
    columns = sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)
    return text + " " * max(0, width - columns)


def _show_doors(running: Running, sign_ins: first_run.SignIns) -> None:
    print()
    doors = [
        [output.say(Text(ja="ポータル", en="Portal")), running.public_url, sign_ins.portal],
        [output.say(Text(ja="運用コンソール", en="Operations console")), running.ops_url, sign_ins.ops],
    ]
    if running.inbox_url is not None:
        name = Text(ja="受信箱(通知の確認用)", en="Inbox (pages and mail)")
        doors.append([output.say(name), running.inbox_url, output.say(Text(ja="不要", en="not needed"))])
    output.show_table(
        (Text(ja="何", en="What"), Text(ja="場所", en="Where"), Text(ja="サインイン", en="Sign in")), doors
    )
    print(output.say(sign_ins.kept_in))
    for lost in running.degraded:
        print("! " + output.say(Text(ja=f"低下: {lost.ja}", en=f"degraded: {lost.en}")))


def _describe(running: Running, *, seconds: float) -> dict[str, object]:
    return {
        "portal": running.public_url,
        "ops": running.ops_url,
        "inbox": running.inbox_url,
        "ports": {"edge": running.ports.edge, "ops": running.ports.ops, **running.ports.inner},
        "var": str(running.layout.var),
        "degraded": [asdict(lost) for lost in running.degraded],
        "seconds": round(seconds, 2),
    }
