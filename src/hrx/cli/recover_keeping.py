"""`hrx recover backup|verify|prune`: what the keeper does by itself, done now by a person."""

from __future__ import annotations

from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import AsJson, DryRun, Yes
from hrx.cli.plane import confirm, machine_actor, show_done
from hrx.cli.recover_elsewhere import this_site
from hrx.cli.recover_managed import is_managed, refuse_backup
from hrx.kit.errors import NotFound, Refused, Text
from hrx.ops.recovery.backing_up import back_up, parent_for_now
from hrx.ops.recovery.basebackup import BaseBackup
from hrx.ops.recovery.bases import list_bases
from hrx.ops.recovery.checks.findings import mark_of
from hrx.ops.recovery.file_check import check_vault_files
from hrx.ops.recovery.proofs import Proof
from hrx.ops.recovery.proving import describe, prove
from hrx.ops.recovery.retention import look_for_old, prune_old
from hrx.ops.recovery.site import Site


def backup(
    is_full: Annotated[
        bool, typer.Option("--full", help="A full one, also when an increment would do.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take a backup now: the blocks that changed since the last one, or all of them."""
    site = this_site()
    if is_managed(site):
        raise refuse_backup()
    parent = None if is_full else parent_for_now(site)
    made = back_up(site, parent=parent, why="by hand", actor=machine_actor().name)
    seconds = (made.ended_at - made.began_at).total_seconds()
    kind = output.word("backup_kind", made.kind)
    size = f"{made.stored_bytes / 1e6:.1f} MB"
    said = Text(
        ja=f"✓ バックアップ {made.id}({kind}、{size})を {seconds:.1f} 秒で取りました。"
        "番人がこれから復元して確かめます。待たずに確かめるなら `hrx recover verify`",
        en=f"✓ Backup {made.id} ({kind}, {size}) was taken in {seconds:.1f} s. "
        "The keeper restores and checks it next; `hrx recover verify` does so now",
    )
    document = {
        "id": made.id, "kind": made.kind, "parent": made.parent, "seconds": seconds,
        "stored_bytes": made.stored_bytes, "data_bytes": made.data_bytes,
    }  # fmt: skip
    show_done(said, document, as_json=as_json)


def verify(
    backup_id: Annotated[
        str | None, typer.Argument(metavar="[BACKUP]", help="Its id; without one, the newest.")
    ] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every backup, the newest first.")] = False,
    files_only: Annotated[
        bool,
        typer.Option(
            "--files-only", help="Read every file of it and of the change records, and restore nothing."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup for real, beside the living system, and look through it. Exit code 1: no good."""
    site = this_site()
    if files_only and site.settings.backup_engine == "pgbackrest":
        raise Refused(
            Text(
                ja="ベースバックアップは pgBackRest の保管庫にあり、ここからは読み通せません。",
                en="Base backups lie in pgBackRest's repository, which is not read through from here.",
            ),
            hint=Text(
                ja="`hrx recover verify` が実際に復元して確かめます。",
                en="`hrx recover verify` restores one for real.",
            ),
            code="recovery.engine_cannot",
        )
    if files_only:
        _verify_files(site, _choose(site, backup_id, is_all=is_all), as_json=as_json)
        return
    proofs = []
    for one in _choose(site, backup_id, is_all=is_all):
        proof = prove(site, one, actor=machine_actor().name)
        proofs.append(proof)
        if not as_json:
            print(("✓ " if proof.is_well else "✗ ") + output.say(describe(proof)))
            _show_stages(proof)
    if as_json:
        output.show_json({"items": [_tell(one) for one in proofs]})
    if not all(one.is_well for one in proofs):
        if not as_json:
            print("  → `hrx recover fetch --check` / `hrx recover backup --full`")
        raise typer.Exit(output.FAILED)


def _verify_files(site: Site, backups: list[BaseBackup], *, as_json: bool) -> None:
    def tell(done: int, of: int) -> None:
        if not as_json:
            said = Text(ja=f"変更記録 {done}/{of} 本", en=f"change records {done} of {of}")
            print(f"  … {output.say(said)}", flush=True)

    found = check_vault_files(site, backups=backups, on_progress=tell)
    size = f"{found.stored_bytes / 1e6:,.0f} MB"
    if as_json:
        document = {
            "is_well": found.is_well, "backups": found.backups, "segments": found.segments,
            "stored_bytes": found.stored_bytes, "seconds": found.seconds,
            "troubles": [{"name": one.name, "said": one.said} for one in found.troubles],
        }  # fmt: skip
        output.show_json(document)
    else:
        for one in found.troubles:
            print("✗ " + output.say(one.said))
        mark = "✓" if found.is_well else "✗"
        said = Text(
            ja=f"バックアップ {found.backups} 件と変更記録 {found.segments} 本({size})を "
            f"{found.seconds:.1f} 秒で読み通しました: 問題 {len(found.troubles)} 件。"
            "復元はしていません(`hrx recover verify` が復元して確かめます)",
            en=f"{found.backups} backups and {found.segments} files of change records ({size}) were read "
            f"through in {found.seconds:.1f} s: {len(found.troubles)} troubles. "
            "Nothing was restored; `hrx recover verify` does that",
        )
        print(f"{mark} {output.say(said)}")
    if not found.is_well:
        raise typer.Exit(output.FAILED)


def prune(dry_run: DryRun = False, yes: Yes = False, as_json: AsJson = False) -> None:
    """Take away backups and change records that no moment of the kept time needs."""
    site = this_site()
    plan = look_for_old(site)
    names = ", ".join(one.id for one in plan.backups)
    what = Text(
        ja=f"バックアップ {len(plan.backups)} 件({names or 'なし'})と変更記録 {len(plan.segments)} 本",
        en=f"{len(plan.backups)} backups ({names or 'none'}), {len(plan.segments)} files of change records",
    )
    days = site.settings.backup_keep_days
    document = {
        "backups": [one.id for one in plan.backups], "segments": len(plan.segments),
        "keep_from": plan.keep_from, "dry_run": dry_run,
    }  # fmt: skip
    if dry_run:
        said = Text(
            ja=f"(試行)消えるのは {what.ja}。過去 {days} 日のどの時点へも、そのあとも戻せます",
            en=f"(dry run) would go: {what.en}. Every moment of the last {days} days stays restorable",
        )
        show_done(said, document, as_json=as_json)
        return
    if plan.backups or plan.segments:
        confirm(Text(ja=f"{what.ja}を消しますか?", en=f"Take away {what.en}?"), yes=yes)
    prune_old(site, actor=machine_actor().name)
    show_done(Text(ja=f"✓ 消しました: {what.ja}", en=f"✓ Gone: {what.en}"), document, as_json=as_json)


def _choose(site: Site, backup_id: str | None, *, is_all: bool) -> list[BaseBackup]:
    backups = list_bases(site)
    if is_all and backups:
        return backups[::-1]
    chosen = [one for one in backups if backup_id in (None, one.id)][-1:]
    if not chosen:
        raise NotFound(
            Text(ja="そのバックアップはありません", en="There is no such backup"),
            hint=Text(ja="`hrx recover status` で一覧できます。", en="`hrx recover status` lists them."),
            code="recovery.no_backup",
        )
    return chosen


def _show_stages(proof: Proof) -> None:
    for one in proof.findings:
        title, said = one["title"], one["said"]
        print(f"  {mark_of(one)} {output.say(Text(**title))}: {output.say(Text(**said))}")


def _tell(proof: Proof) -> dict[str, object]:
    return {
        "backup": proof.backup_id, "is_well": proof.is_well, "seconds": dict(proof.seconds),
        "total_s": round(proof.total_s, 3), "last_commit_at": proof.last_commit_at,
        "findings": list(proof.findings), "why": proof.why_not(), "proof": proof.name,
    }  # fmt: skip
