"""`hrx up`: bring the whole stack up, with one line for each thing done and a table of doors at the end."""

from __future__ import annotations

import getpass
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime

import typer
from rich.console import Console

from hrx.cli import first_run, output
from hrx.cli.machine import open_machine
from hrx.cli.options import AsJson
from hrx.kit import clock
from hrx.kit.errors import HrxError, Text
from hrx.kit.settings import load
from hrx.ops.ledger.entries import open_ledger
from hrx.ops.recovery.first_key import KeyAtStart, ensure_key
from hrx.ops.recovery.moments import note_version
from hrx.ops.recovery.remembering import SiteMemory, note_seen
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standby import supervised
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.progress import Event, Outcome, Report, silent, step
from hrx.ops.targets.machine.stack import Running, bring_up
from hrx.ops.targets.machine.supervisor import Supervisor
from hrx.ops.targets.machine.supervisor_config import read_commit

_MARKS = {Outcome.DONE: "✓", Outcome.UNCHANGED: "·", Outcome.DEGRADED: "!", Outcome.FAILED: "✗"}


def register(app: typer.Typer) -> None:
    """Add `hrx up`."""
    app.command("up")(up)


def up(
    as_json: AsJson = False,
) -> None:
    """Start everything that is not running, restart what changed; harmless when all is well."""
    started = time.monotonic()
    layout, settings = open_machine(may_create_user=True)
    report: Report = silent if as_json else show_event
    site = Site(settings=load(OpsSettings), layout=layout)
    layout.make_folders()
    key = ensure_key(site)
    memory = SiteMemory(site)
    began_at = clock.now()
    running = bring_up(layout, settings, memory=memory, report=report)
    _note_version(site, began_at=began_at)
    if running.control is not None:
        _see_to_standby(site, running, report=report)
    sign_ins = first_run.prepare_sign_ins(running, settings, report=report)
    if running.control is not None:
        note_seen(site, running.control)
    if as_json:
        output.show_json(_describe(running, key, seconds=time.monotonic() - started))
        return
    _show_doors(running, sign_ins, key)
    _show_key(key, site)
    took = time.monotonic() - started
    print("\n" + output.say(Text(ja=f"起動しました({took:.1f} 秒)", en=f"HRX-AI is up ({took:.1f} s)")))


def _see_to_standby(site: Site, running: Running, *, report: Report) -> None:
    """Built and started when one is wanted. The product works without: what is wrong is told, no more."""
    if site.settings.standby_mode == "off":
        with suppress(HrxError):
            supervised.let_go(site)
        return
    ends = running.endpoints
    known = {"backup_conninfo": ends.backup_conninfo, "backup_passfile": ends.backup_passfile}
    stack = Site(settings=site.settings.model_copy(update=known), layout=site.layout)
    with step(report, ja="待機系", en="standby") as ongoing:
        try:
            is_new = supervised.ensure(stack, Supervisor(site.layout.supervisor_socket))
        except HrxError as error:
            ongoing.degraded(error.message)
        else:
            if not is_new:
                ongoing.unchanged()


def _note_version(site: Site, *, began_at: datetime) -> None:
    """On record, so that a restore can go back to just before it; a plane that is not there stops nothing."""
    revisions = (
        path.name.partition("_")[0] for path in (site.layout.root / "migrations/versions").glob("*.py")
    )
    try:
        ledger = open_ledger(site.settings.ledger_location)
    except HrxError:
        return
    try:
        note_version(
            ledger,
            commit=read_commit(site.layout.root),
            schema=max(revisions, default="0"),
            actor=f"machine:{getpass.getuser()}",
            began_at=began_at,
        )
    finally:
        ledger.store.close()


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


def _show_doors(running: Running, sign_ins: first_run.SignIns, key: KeyAtStart) -> None:
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
        # Told by the key itself, with what to do.
        if key.lost is not None and lost.en.startswith("backup: keys"):
            continue
        print("! " + output.say(Text(ja=f"低下: {lost.ja}", en=f"degraded: {lost.en}")))


def _show_key(key: KeyAtStart, site: Site) -> None:
    """Where the key is, said once; a missing one is said at every start."""
    if key.lost is not None:
        print("! " + output.say(Text(ja=f"低下: {key.lost.ja}", en=f"degraded: {key.lost.en}")))
    shown = site.layout.run / "backup-key-shown"
    if key.lost is None and not shown.exists():
        where = site.key_file
        print(
            output.say(
                Text(
                    ja=f"バックアップの鍵: {where}。控えを別の場所に保管してください。"
                    "失うとバックアップを開けません(控えの確認: `hrx recover key check 控え`)。",
                    en=f"The backups' key is {where}. Keep a copy of it somewhere else: without it no backup "
                    "can be opened (`hrx recover key check COPY` proves a copy).",
                )
            )
        )
        shown.touch(mode=0o600)


def _describe(running: Running, key: KeyAtStart, *, seconds: float) -> dict[str, object]:
    return {
        "portal": running.public_url,
        "ops": running.ops_url,
        "inbox": running.inbox_url,
        "ports": {"edge": running.ports.edge, "ops": running.ports.ops, **running.ports.inner},
        "var": str(running.layout.var),
        "degraded": [asdict(lost) for lost in (*running.degraded, *([key.lost] if key.lost else []))],
        "seconds": round(seconds, 2),
    }
