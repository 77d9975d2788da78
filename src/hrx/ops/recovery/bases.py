"""Base backups wherever they are kept: in our vault, or by pgBackRest. Change records are ours either way, so
one plan, one look at what is covered, and one proof serve both.

A managed database has neither: whoever asks for its files is refused by name, and told what to do."""

from __future__ import annotations

from hrx.kit.errors import Refused, Text
from hrx.ops.recovery.basebackup import BaseBackup, list_backups, take_backup
from hrx.ops.recovery.engines.pgbackrest import PgBackRest
from hrx.ops.recovery.engines.supabase import URL, Supabase
from hrx.ops.recovery.restoring import FetchBase
from hrx.ops.recovery.site import Site


def list_bases(site: Site) -> list[BaseBackup]:
    """Every finished base backup, oldest first. Raises PlaceUnavailable, PgBackRestFailed, Refused."""
    if site.settings.backup_engine == "own":
        return list_backups(site.catalogue)
    return open_pgbackrest(site).list_backups()


def take_base(site: Site, *, parent: BaseBackup | None, timeout_s: float) -> BaseBackup:
    """Raises BackupFailed, PlaceUnavailable, PgBackRestFailed, Refused."""
    if site.settings.backup_engine == "own":
        return take_backup(site.vault, site.source, parent=parent, timeout_s=timeout_s)
    return open_pgbackrest(site).back_up(is_full=parent is None, timeout_s=timeout_s)


def fetcher_of(site: Site) -> FetchBase | None:
    """How a restore gets its data directory; None: out of the vault."""
    if site.settings.backup_engine == "own":
        return None
    return open_pgbackrest(site).fetch


def are_ours(site: Site) -> bool:
    """Whether the files of base backups are ours to take away. pgBackRest expires its own."""
    return site.settings.backup_engine == "own"


def open_pgbackrest(site: Site) -> PgBackRest:
    """Runs nothing yet. Raises Refused where the database is managed."""
    settings = site.settings
    if settings.backup_engine == "supabase":
        raise not_with_supabase(
            Text(ja="バックアップのファイルを扱うこと", en="anything with the files of a backup")
        )
    return PgBackRest(
        program=settings.pgbackrest_program,
        config=settings.pgbackrest_config,
        stanza=settings.pgbackrest_stanza,
        run_as=site.layout.user,
    )


def open_supabase(site: Site) -> Supabase:
    """Asks nobody yet. Raises Refused where it is not set up."""
    settings = site.settings
    if not settings.supabase_project or settings.supabase_token is None:
        raise Refused(
            Text(ja="Supabase のプロジェクトが設定されていません。", en="No project of Supabase is set up."),
            hint=Text(
                ja="HRX_SUPABASE_PROJECT と HRX_SUPABASE_TOKEN を設定してください。",
                en="Set HRX_SUPABASE_PROJECT and HRX_SUPABASE_TOKEN.",
            ),
            code="recovery.engine_not_set_up",
        )
    return Supabase(
        settings.supabase_project, token=settings.supabase_token, url=settings.supabase_url or URL
    )


def not_with_supabase(what: Text) -> Refused:
    """What a managed database cannot do, by name."""
    return Refused(
        Text(
            ja=f"Supabase が運用するデータベースでは、{what.ja}はできません。",
            en=f"A database that Supabase runs does not allow {what.en}.",
        ),
        hint=Text(
            ja="`hrx recover status` で戻せる期間を見ます。自分で確かめたいなら、自前のデータベースで "
            "HRX_BACKUP_ENGINE=own か pgbackrest を使います(docs/decisions/0009)。",
            en="`hrx recover status` tells how far back it reaches. To prove backups yourself, run the "
            "database with HRX_BACKUP_ENGINE=own or pgbackrest (docs/decisions/0009).",
        ),
        code="recovery.engine_cannot",
    )
