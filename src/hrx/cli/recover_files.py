"""`hrx recover files`: every row that names a file has it, and every file its row."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.options import AsJson
from hrx.cli.recover_elsewhere import this_site
from hrx.kit.errors import Refused, Text
from hrx.ops.recovery.files import (
    FilesRestored,
    NamedFile,
    StorageCheck,
    check_storage,
    list_named,
    restore_files,
    say_check,
)
from hrx.ops.recovery.site import Site
from hrx.ops.seams.sessions import opened_session

_READS_WITHIN_S: Final = 60.0
_SHOWN: Final = 20


def files(
    is_reading: Annotated[
        bool, typer.Option("--read", help="Compare the contents too, which reads every file.")
    ] = False,
    is_restoring: Annotated[
        bool, typer.Option("--restore", help="Bring back from the backups what is missing in the storage.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the files that rows name with the storage and the backups, both ways. Exit code 1: a fault."""
    site = this_site()
    named = _read_named(site)
    found = check_storage(site.vault, named, site.files_dir, is_reading=is_reading)
    restored: FilesRestored | None = None
    if is_restoring and found.absent:
        restored = restore_files(site.vault, found.absent, site.files_dir)
        found = check_storage(site.vault, named, site.files_dir, is_reading=is_reading)
    if as_json:
        output.show_json(
            {**asdict(found), "is_well": found.is_well, "restored": restored.restored if restored else 0}
        )
    else:
        _show(found, restored)
    if not found.is_well:
        raise typer.Exit(output.FAILED)


def _read_named(site: Site) -> list[NamedFile]:
    url = site.settings.ops_database_url
    if url is None:
        raise Refused(
            Text(
                ja="どの行がファイルを持つかを読むデータベースが決まっていません(HRX_OPS_DATABASE_URL)。",
                en="No database is configured that says which rows have files (HRX_OPS_DATABASE_URL).",
            ),
            hint=Text(
                ja="手元のデータベースなら `make up` が設定します。",
                en="For a database of this machine `make up` sets it.",
            ),
            code="recovery.no_database",
        )
    plain = url.get_secret_value().replace("postgresql+psycopg://", "postgresql://", 1)
    with opened_session(plain, timeout_s=_READS_WITHIN_S) as session:
        return list_named(session)


def _show(found: StorageCheck, restored: FilesRestored | None) -> None:
    if restored:
        print(
            output.say(
                Text(
                    ja=f"{restored.restored} ファイル、{restored.size_bytes / 1e6:.1f} MB を取り戻しました",
                    en=f"{restored.restored} files, {restored.size_bytes / 1e6:.1f} MB were brought back",
                )
            )
        )
    print(("✓ " if found.is_well else "✗ ") + output.say(say_check(found)))
    kinds = (
        (found.lost, Text(ja="失われた", en="lost")),
        (found.absent, Text(ja="控えにだけある", en="only in the backups")),
        (found.wrong, Text(ja="中身が違う", en="other contents")),
        (found.unkept, Text(ja="控えがまだない", en="not in the backups yet")),
    )
    rows = [[output.say(said), str(one.tenant_id), one.key] for some, said in kinds for one in some]
    if rows:
        columns = (
            Text(ja="状態", en="State"),
            Text(ja="テナント", en="Tenant"),
            Text(ja="ファイル", en="File"),
        )
        output.show_table(columns, rows[:_SHOWN])
        if len(rows) > _SHOWN:
            print(output.say(Text(ja=f"ほか {len(rows) - _SHOWN} 件", en=f"and {len(rows) - _SHOWN} more")))
    if found.nameless:
        count = len(found.nameless)
        nameless = Text(
            ja=f"行のないファイルが {count} 個あります。毎日の片付けが消します。",
            en=f"Files without a row: {count}. The daily clean-up removes them.",
        )
        print(output.say(nameless))
    if found.absent:
        hint = Text(
            ja="`hrx recover files --restore` で取り戻せます。",
            en="`hrx recover files --restore` brings them back.",
        )
        print("→ " + output.say(hint), file=sys.stderr)
