"""`hrx recover ledger`: bring the record of operations back when it was lost or damaged."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import AsJson, DryRun, Yes
from hrx.cli.plane import confirm, machine_actor, show_done
from hrx.cli.recover_elsewhere import this_site
from hrx.kit.errors import Text
from hrx.ops.recovery.ledger_copy import LedgerCopy, choose_copy, list_copies, restore_ledger


def ledger(
    copy_id: Annotated[
        str | None, typer.Option("--copy", help="Another copy than the newest good one.")
    ] = None,
    is_listing: Annotated[bool, typer.Option("--list", help="Only show which copies there are.")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Bring the ledger back from its copy; what is in its place is set aside, never deleted."""
    site = this_site()
    vault = site.vault
    if is_listing:
        _show(list_copies(vault), as_json=as_json)
        return
    chosen = choose_copy(vault, copy_id)
    at = output.moment(chosen.taken_at, to_second=True)
    if dry_run:
        would = Text(
            ja=f"(試行){at} の写し({chosen.entries} 件)に戻します",
            en=f"(dry run) the copy of {at} (entries: {chosen.entries}) would be put in place",
        )
        show_done(would, {**asdict(chosen), "dry_run": True}, as_json=as_json)
        return
    question = Text(
        ja=f"台帳を {at} の写し({chosen.entries} 件)に戻しますか?",
        en=f"Put the copy of {at} (entries: {chosen.entries}) in the ledger's place?",
    )
    confirm(question, yes=yes)
    done = restore_ledger(vault, site.settings.ledger_location, actor=machine_actor().name, copy_id=chosen.id)
    aside = str(done.set_aside) if done.set_aside else None
    said = Text(
        ja=f"✓ 台帳を {at} まで取り戻しました({chosen.entries} 件)。"
        + (f"元のものは {aside} にあります。" if aside else "")
        + "その後の記録はありません。`hrx ledger verify` で確かめられます。",
        en=f"✓ The ledger is back as of {at} (entries: {chosen.entries}). "
        + (f"What was there is kept at {aside}. " if aside else "")
        + "What was recorded later is missing. `hrx ledger verify` checks it.",
    )
    show_done(said, {**asdict(chosen), "set_aside": aside, "dry_run": False}, as_json=as_json)


def _show(found: list[LedgerCopy], *, as_json: bool) -> None:
    if as_json:
        output.show_json({"items": [asdict(one) for one in found]})
        return
    if not found:
        print(output.say(Text(ja="台帳の写しはありません", en="There is no copy of the ledger")))
        return
    columns = (
        Text(ja="写し", en="Copy"),
        Text(ja="日時", en="Taken"),
        Text(ja="記録", en="Entries"),
        Text(ja="状態", en="State"),
    )
    states = {True: Text(ja="無事", en="good"), False: Text(ja="改ざんまたは破損", en="altered or damaged")}
    output.show_table(
        columns,
        [
            [one.id, output.moment(one.taken_at), str(one.entries), output.say(states[one.is_valid])]
            for one in found
        ],
    )
