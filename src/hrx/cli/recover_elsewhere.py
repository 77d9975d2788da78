"""`hrx recover copy|fetch|settings`: the copy elsewhere, there and back, and what a new machine needs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import AsJson
from hrx.cli.plane import machine_actor, show_done
from hrx.kit import log
from hrx.kit.errors import NotFound, Text
from hrx.kit.settings import load
from hrx.ops.ledger.entries import Kind, open_ledger
from hrx.ops.ledger.store import file_of
from hrx.ops.recovery.elsewhere import copy_once, open_elsewhere
from hrx.ops.recovery.fetching import Fetched
from hrx.ops.recovery.fetching import fetch as fetch_vault
from hrx.ops.recovery.settings_copy import Difference, compare_settings, describe_settings, read_copy
from hrx.ops.recovery.site import Site, open_site
from hrx.ops.settings import OpsSettings


def copy(as_json: AsJson = False) -> None:
    """Send what is new to the location elsewhere now; the keeper does so every few seconds."""
    state = copy_once(this_site())
    megabytes = state.stored_bytes / 1e6
    done = Text(
        ja=f"✓ 写しは最新です: {state.where} に {state.files} ファイル、{megabytes:.1f} MB",
        en=f"✓ The copy is current: {state.files} files, {megabytes:.1f} MB at {state.where}",
    )
    show_done(done, asdict(state), as_json=as_json)
    if state.differing and not as_json:
        print("⚠ " + output.say(_say_differing(state.differing)), file=sys.stderr)


def fetch(
    origin: Annotated[
        str | None, typer.Option("--from", help="Another location than the configured one.")
    ] = None,
    is_checking: Annotated[
        bool, typer.Option("--check", help="Read what is here too, and replace what is damaged.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the backups back from the location elsewhere: all, or what is missing here."""
    site = this_site()
    place, where = open_elsewhere(site, url=origin)
    told = None if as_json or not sys.stderr.isatty() else _show_progress
    done = fetch_vault(site.vault, place, received_dir=site.received_dir, is_checking=is_checking, told=told)
    body = {
        "where": where, "files": done.files, "size_bytes": done.size_bytes, "replaced": len(done.replaced),
        "damaged_there": list(done.damaged_there), "up_to": done.tail.at.isoformat() if done.tail else None,
    }  # fmt: skip
    note_if_possible(site, Kind.BACKUPS_FETCHED, body)
    if as_json:
        output.show_json(body)
    else:
        _show_fetched(done, where)
    if done.damaged_there:
        raise typer.Exit(output.FAILED)


def settings(as_json: AsJson = False) -> None:
    """How this machine is set differently from the one whose settings were last backed up."""
    site = this_site()
    kept = read_copy(site.vault)
    if kept is None:
        raise NotFound(
            Text(ja="設定の控えがまだありません", en="No settings have been backed up yet"),
            hint=Text(
                ja="番人が毎日取ります。別の場所にあれば `hrx recover fetch` で取り戻します。",
                en="The keeper does so daily. If they are elsewhere, `hrx recover fetch` brings them back.",
            ),
            code="recovery.no_settings",
        )
    now = describe_settings(site.layout, site.keyring, commit=site.settings.commit)
    found = compare_settings(kept["told"], now)
    if as_json:
        output.show_json({"taken_at": kept["taken_at"], "items": [asdict(one) for one in found]})
        return
    facts: list[tuple[Text, str]] = [
        (Text(ja="控えた日時", en="Backed up"), str(kept["taken_at"])[:19].replace("T", " ") + " UTC"),
        (Text(ja="版", en="Version"), f"{kept['told']['commit']} → {now['commit']}"),
        (Text(ja="システム", en="System"), f"{kept['told']['system']} → {now['system']}"),
    ]
    output.show_facts(facts)
    if not found:
        print(output.say(Text(ja="設定はすべて同じです", en="Every setting is the same")))
        return
    columns = (Text(ja="設定", en="Setting"), Text(ja="控え", en="Then"), Text(ja="今", en="Now"))
    output.show_table(columns, [_row(one) for one in found])
    print(
        output.say(
            Text(
                ja="秘密かもしれない値は控えていません。同じかどうかだけが分かります。",
                en="What may be a secret is not backed up: it only shows whether it is the same.",
            )
        )
    )


def this_site() -> Site:
    """This machine's copies; nothing else has to be up, not even the ledger."""
    log.configure(process="hrx", level="WARNING", stream=sys.stderr)
    return open_site(load(OpsSettings))


def note_if_possible(site: Site, kind: Kind, body: Mapping[str, object]) -> None:
    """Record it unless the ledger itself is still to be brought back: an empty one must not come up."""
    url = site.settings.ledger_location
    path = file_of(url)
    if path is not None and not path.exists():
        return
    ledger = open_ledger(url)
    try:
        ledger.append(kind, actor=machine_actor().name, subject="backups", body=body)
    finally:
        ledger.store.close()


def _show_progress(done: int, files: int, size_bytes: int, total_bytes: int) -> None:
    end = "\n" if done == files else ""
    print(
        f"\r{done}/{files}  {size_bytes / 1e6:,.0f}/{total_bytes / 1e6:,.0f} MB", end=end, file=sys.stderr,
        flush=True,
    )  # fmt: skip


def _show_fetched(done: Fetched, where: str) -> None:
    megabytes = f"{done.size_bytes / 1e6:.1f} MB"
    lines = [Text(ja="✓ 欠けているものはありません", en="✓ Nothing was missing here")]
    if done.files:
        lines = [
            Text(
                ja=f"✓ {done.files} ファイル、{megabytes} を {where} から取り戻しました",
                en=f"✓ {done.files} files, {megabytes} came back from {where}",
            )
        ]
    if done.replaced:
        lines.append(
            Text(
                ja=f"壊れていた {len(done.replaced)} ファイルを置き換えました",
                en=f"{len(done.replaced)} damaged files were replaced",
            )
        )
    if done.tail:
        at = output.moment(done.tail.at, to_second=True)
        lines.append(
            Text(
                ja=f"書きかけの変更記録も {at} まで届いています",
                en=f"With them came what no file held yet, up to {at}",
            )
        )
    lines.append(
        Text(
            ja="→ 台帳も失ったなら `hrx recover ledger`。データベースは `hrx recover restore --to latest`",
            en="→ If the ledger is lost too: `hrx recover ledger`. The database: "
            "`hrx recover restore --to latest`",
        )
    )
    for name in done.damaged_there:
        damaged = Text(ja=f"✗ 向こうでも壊れています: {name}", en=f"✗ Damaged there as well: {name}")
        print(output.say(damaged), file=sys.stderr)
    for line in lines:
        print(output.say(line))


def _say_differing(names: tuple[str, ...]) -> Text:
    return Text(
        ja=f"こちらと向こうで大きさが違うファイルが {len(names)} 個あります(例: {Path(names[0]).name})。"
        "`hrx recover fetch --check` で調べて直します。",
        en=f"{len(names)} files differ in size here and there (such as {Path(names[0]).name}). "
        "`hrx recover fetch --check` looks which is right.",
    )


def _row(one: Difference) -> list[str]:
    none = output.say(Text(ja="(なし)", en="(none)"))
    if not one.is_secret:
        return [one.name, one.then or none, one.now or none]
    same = Text(ja="値あり", en="a value")
    other = Text(ja="別の値", en="another value")
    return [
        one.name,
        output.say(same) if one.then else none,
        (output.say(other) if one.then else output.say(same)) if one.now else none,
    ]
