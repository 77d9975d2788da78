"""`hrx recover begin-anew`: decide to go on without the database that this machine remembers."""

from __future__ import annotations

from typing import Annotated

import typer

from hrx.cli.options import AsJson, DryRun, Yes
from hrx.cli.plane import confirm, machine_actor, show_done
from hrx.cli.recover_elsewhere import this_site
from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.ledger.entries import open_ledger
from hrx.ops.ledger.store import file_of
from hrx.ops.recovery.beginning import begin_anew, list_in_the_way, require_may_begin


def begin(
    system: Annotated[
        str, typer.Argument(help="The system that is remembered, as `hrx up` named it; or `unknown`.")
    ],
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Go on with the data directory that is there now.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Set aside whatever remembers the old database, so that another may come up; deletes nothing."""
    site = this_site()
    require_may_begin(site, system)
    paths = list_in_the_way(site, keep_data=keep_data)
    names = "\n  ".join(str(path) for path in paths)
    if dry_run:
        would = Text(ja=f"(試行)脇へ移すもの:\n  {names}", en=f"(dry run) would be set aside:\n  {names}")
        show_done(would, {"set_aside": [str(path) for path in paths], "dry_run": True}, as_json=as_json)
        return
    question = Text(
        ja=f"次のものを脇へ移し、以前のデータベースなしで始めますか?\n  {names}\n",
        en=f"Set these aside and begin without the older database?\n  {names}\n",
    )
    confirm(question, yes=yes)
    path = file_of(site.settings.ledger_location)
    ledger = open_ledger(site.settings.ledger_location) if path is None or path.exists() else None
    try:
        moved = begin_anew(
            site,
            ledger,
            system=system,
            keep_data=keep_data,
            actor=machine_actor().name,
            at=clock.now(),
        )
    finally:
        if ledger is not None:
            ledger.store.close()
    where = "\n  ".join(str(one.now) for one in moved)
    said = Text(
        ja=f"✓ 脇へ移しました(消していません):\n  {where}\n`make up` で始めます。",
        en=f"✓ Set aside, not deleted:\n  {where}\nBegin with `make up`.",
    )
    body = {"set_aside": [{"was": str(one.was), "now": str(one.now)} for one in moved], "dry_run": False}
    show_done(said, body, as_json=as_json)
