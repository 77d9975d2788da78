"""`hrx recover key …`: prove that the key kept elsewhere opens the backups, and add a new one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hrx.cli.options import As, AsJson, Code, DryRun, Yes
from hrx.cli.plane import acting, confirm, show_done
from hrx.kit.errors import Text
from hrx.ops.operators.roles import Permission
from hrx.ops.recovery.key_care import add_key, check_key_file, note_check, note_new_key
from hrx.ops.recovery.keys import load_keyring
from hrx.ops.recovery.site import open_site


def register_under(recover: typer.Typer) -> None:
    """Add `hrx recover key`."""
    group = typer.Typer(help="The backups' key: prove its copy, add a new one.", no_args_is_help=True)
    group.command("check")(check)
    group.command("add")(add)
    recover.add_typer(group, name="key")


def check(
    kept: Annotated[Path, typer.Argument(help="The key file as it is kept elsewhere, such as on a stick.")],
    operator: As = None,
    code: Code = "",
    as_json: AsJson = False,
) -> None:
    """Open a real backup with a kept key file alone, and record that it works; due every 90 days."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        checked = check_key_file(open_site(plane.settings).folder, kept)
        note_check(plane.ledger, checked, actor=actor.name)
    said = Text(
        ja=f"✓ この鍵ファイルで {checked.opened} を開けました。90 日以内にもう一度確かめてください。",
        en=f"✓ This key file opened {checked.opened}. Check it again within 90 days.",
    )
    show_done(said, asdict(checked), as_json=as_json)


def add(
    operator: As = None, code: Code = "", dry_run: DryRun = False, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Add a new key: backups from now on need it, earlier ones are still opened by the old."""
    with acting(operator, code=code, needs=Permission.MANAGE_OPERATORS) as (plane, actor):
        path = open_site(plane.settings).key_file
        keyring = load_keyring(path)
        if not dry_run:
            question = Text(
                ja=f"{path} に新しい鍵を加えますか? 控えも取り直す必要があります。",
                en=f"Add a new key to {path}? Its copy elsewhere has to be made anew, too.",
            )
            confirm(question, yes=yes)
            keyring = add_key(path)
            note_new_key(plane.ledger, keyring, actor=actor.name)
    would = Text(
        ja=f"(試行){path} に新しい鍵を加えます",
        en=f"(dry run) a new key would be added to {path}",
    )
    said = Text(
        ja=f"✓ 新しい鍵を加えました。{path} の控えを取り直し、"
        "`hrx recover key check 控え` で確かめてください。",
        en=f"✓ There is a new key. Make a new copy of {path} elsewhere, and prove it with "
        "`hrx recover key check COPY`.",
    )
    body = {"fingerprint": keyring.fingerprint, "keys": len(keyring.identities), "dry_run": dry_run}
    show_done(would if dry_run else said, body, as_json=as_json)
