"""`hrx recover …` where a provider runs the database: what it says of its backups, and what it cannot do."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import typer

from hrx.cli import output
from hrx.kit import clock
from hrx.kit.errors import Refused, Text
from hrx.ops.recovery.bases import open_supabase
from hrx.ops.recovery.engines.supabase import Managed, require_restorable
from hrx.ops.recovery.planning import Target
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.targets import read_time, say_moment

#: The newest second that can be brought back may lag by two minutes (the provider's documented RPO).
_BEHIND_AT_MOST: Final = timedelta(minutes=5)
_DAILY_AT_MOST: Final = timedelta(hours=26)
_SHOWN: Final = 5


def is_managed(site: Site) -> bool:
    return site.settings.backup_engine == "supabase"


def show_status(site: Site, *, as_json: bool) -> None:
    """What the provider says; exit code 1 when it says too little."""
    provider = open_supabase(site)
    managed = provider.read()
    trouble = find_trouble(managed)
    if as_json:
        output.show_json(_document(provider.project, managed, trouble))
    else:
        _show(provider.project, managed)
        if trouble is not None:
            print("✗ " + output.say(trouble))
    if trouble is not None:
        raise typer.Exit(output.FAILED)


def find_trouble(managed: Managed) -> Text | None:
    """By the provider's own word; None when there is nothing to say."""
    now = clock.now()
    if managed.has_pitr and managed.end is not None:
        if now - managed.end > _BEHIND_AT_MOST:
            minutes = (now - managed.end).total_seconds() / 60
            return Text(
                ja=f"戻せる最新の時点が {minutes:.0f} 分前です。提供者の状況を見てください",
                en=f"The newest moment that can be brought back is {minutes:.0f} min old: ask the provider",
            )
        return None
    whole = [one for one in managed.backups if one.status == "COMPLETED"]
    if not whole or now - whole[-1].taken_at > _DAILY_AT_MOST:
        return Text(
            ja="任意の時点への復元は無効で、この 1 日の完了したバックアップもありません",
            en="Point-in-time recovery is off, and no backup was completed within a day",
        )
    return None


def refuse_backup() -> Refused:
    """The provider takes them when it does."""
    return Refused(
        Text(
            ja="Supabase のバックアップは提供者が自分で取ります。いま取らせることはできません。",
            en="Supabase takes backups by itself, and cannot be told to take one now.",
        ),
        hint=Text(
            ja="PITR が有効なら、いまこの時刻へも戻せます。時刻を控えてください(`hrx recover status`)。",
            en="With point-in-time recovery this very second can be brought back: note the time "
            "(`hrx recover status`).",
        ),
        code="recovery.engine_cannot",
    )


def refuse_restore(site: Site, said: str) -> Refused:
    """It would replace the living database, which is no copy beside it. Says the second to ask for.

    Raises Invalid, NotRestorable for a moment that the provider cannot bring back."""
    target = Target() if said == "latest" else Target(time=read_time(said))
    moment = require_restorable(open_supabase(site).read(), target)
    told = say_moment(moment)
    return Refused(
        Text(
            ja=f"Supabase は写しを作らず、動いているデータベースを {told.ja} の中身に置き換えます。"
            "ここからは行いません。",
            en=f"Supabase makes no copy: it would replace the living database by that of {told.en}. "
            "That is not done from here.",
        ),
        hint=Text(
            ja="二人で確かめ、管理画面の Database → Backups → Point in time で "
            f"{moment:%Y-%m-%d %H:%M:%S} UTC を選びます。先に製品を止めます。"
            "比べるだけなら、管理画面で新しいプロジェクトへ復元します。",
            en="Let two people see to it, stop the product first, and choose "
            f"{moment:%Y-%m-%d %H:%M:%S} UTC on the dashboard (Database → Backups → Point in time). "
            "Only to compare, restore into a new project there.",
        ),
        code="recovery.engine_cannot",
    )


def _show(project: str, managed: Managed) -> None:
    if managed.begin and managed.end:
        begin, end = say_moment(managed.begin), say_moment(managed.end)
        window = Text(ja=f"{begin.ja} から {end.ja}", en=f"{begin.en} to {end.en}")
    else:
        window = Text(ja="任意の時点へは戻せません", en="No moment of choice")
    output.show_facts(
        [
            (Text(ja="方法", en="Way"), f"Supabase {project} ({managed.region})"),
            (Text(ja="戻せる期間", en="Restorable"), output.say(window)),
            (
                Text(ja="確かめた時点", en="Proven up to"),
                output.say(
                    Text(
                        ja="確かめられません(提供者の言葉だけです)",
                        en="Cannot be proven: it is the provider's word",
                    )
                ),
            ),
            (
                Text(ja="できないこと", en="Cannot"),
                output.say(
                    Text(
                        ja="いま取る、脇に復元して確かめる、取引の直前へ戻す",
                        en="take one now, restore beside and prove, stop before a transaction",
                    )
                ),
            ),
        ]
    )
    columns = (Text(ja="取った日時", en="Taken"), Text(ja="状態", en="State"))
    rows = [[output.say(say_moment(one.taken_at)), one.status] for one in managed.backups[-_SHOWN:]]
    if rows:
        output.show_table(columns, rows)


def _document(project: str, managed: Managed, trouble: Text | None) -> dict[str, object]:
    return {
        "engine": "supabase",
        "project": project,
        "region": managed.region,
        "has_pitr": managed.has_pitr,
        "restorable": {"begin": managed.begin, "end": managed.end},
        "proven_at": None,
        "cannot": ["backup", "restore_beside", "verify", "before_transaction"],
        "backups": [
            {"taken_at": one.taken_at, "status": one.status, "is_physical": one.is_physical}
            for one in managed.backups
        ],
        "trouble": trouble,
    }
