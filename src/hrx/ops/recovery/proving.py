"""Restoring a backup for real, in the background and out of everybody's way, and keeping what that showed."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Refused, Text
from hrx.ops.ledger.entries import Kind
from hrx.ops.recovery.basebackup import BaseBackup
from hrx.ops.recovery.bases import fetcher_of, list_bases
from hrx.ops.recovery.checks.checking import check_copy
from hrx.ops.recovery.checks.findings import Finding, timed
from hrx.ops.recovery.checks.structure import CODE as STRUCTURE
from hrx.ops.recovery.checks.structure import check_structure, install
from hrx.ops.recovery.checks.structure import is_offered as is_offered_by
from hrx.ops.recovery.copies import DATABASE
from hrx.ops.recovery.copy_server import Ground, conninfo_of, open_read_only
from hrx.ops.recovery.files_finding import check_named_files
from hrx.ops.recovery.manifest import NotAManifest
from hrx.ops.recovery.noting import ACTOR, note
from hrx.ops.recovery.places import FileNotThere
from hrx.ops.recovery.planning import NotRestorable, RestorePlan, Stock, Target, plan_restore
from hrx.ops.recovery.positions import read_position
from hrx.ops.recovery.proofs import Proof, list_proofs, write_proof
from hrx.ops.recovery.restoring import RestoreFailed, RestoreIncomplete, remove_copy, restore_beside
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.stock import read_stock
from hrx.ops.recovery.tallies import count_run
from hrx.ops.recovery.vault import BackupFileDamaged
from hrx.ops.recovery.wal import SEGMENT_BYTES
from hrx.ops.seams.sessions import opened_session

_NICENESS: Final = 19
_TIMEOUT_S: Final = 2 * 3600.0
_PORT: Final = 5433
#: The newest backup is brought up to the newest moment, unless that replays more than this: 1 GiB.
_MOST_SEGMENTS: Final = 64
#: A restore that failed is tried again, for a busy machine can be the reason; then it stays failed.
_AGAIN_AFTER: Final = timedelta(hours=1)
_TRIES: Final = 3
#: A copy that only answers a few questions needs little.
_SMALL: Final = (
    "shared_buffers = '32MB'\nmaintenance_work_mem = '32MB'\nmax_parallel_workers_per_gather = 0\n"
)
#: What says something about the backup. Anything else (no room, no place) says something about this machine.
_VERDICTS: Final = (
    BackupFileDamaged, FileNotThere, NotAManifest, NotRestorable, RestoreFailed, RestoreIncomplete,
)  # fmt: skip


_HAS_PRODUCT: Final = "SELECT to_regclass('seam.integrity') IS NOT NULL"


def prove_next(site: Site, *, database: str = DATABASE) -> Proof | None:
    """Restore the newest backup that waits for its proof; None when none does. Raises what `prove` raises."""
    backup = find_next(site)
    return None if backup is None else prove(site, backup, database=database)


def find_next(site: Site) -> BaseBackup | None:
    """The newest first: it is what a restore would use. One is ready when records behind it have arrived."""
    proofs = list_proofs(site.folder)
    position = read_position(site.position_file)
    received = position.received_lsn if position and position.received_lsn else 0
    now = clock.now()
    for one in reversed(list_bases(site)):
        tried = [proof for proof in proofs if proof.backup_id == one.id]
        if not tried and one.end < received:
            return one
        is_last_bad = bool(tried) and not tried[-1].is_well
        if is_last_bad and len(tried) < _TRIES and now - tried[-1].ended_at > _AGAIN_AFTER:
            return one
    return None


def prove(site: Site, backup: BaseBackup, *, database: str = DATABASE, actor: str = ACTOR) -> Proof:
    """Restore it to a moment after it, look through everything, record the proof, remove the copy.

    A backup that does not come up gives a proof that is not well. Raises what says nothing about the backup:
    NotEnoughRoom, PlaceUnavailable, KeyFileUnreadable, Refused before there was a product."""
    _step_back()
    ground = _ground(site)
    remove_copy(ground)
    began_at = clock.now()
    proof = Proof(
        backup_id=backup.id, began_at=began_at, ended_at=began_at, is_well=False, seconds={}, data_bytes=0,
        records_bytes=0,
    )  # fmt: skip
    try:
        plan = _plan(read_stock(site), backup)
        proof = replace(proof, data_bytes=plan.data_bytes, records_bytes=_records_bytes(plan))
        restored = restore_beside(
            site.vault,
            plan,
            ground,
            timeout_s=_TIMEOUT_S,
            fetch_base=fetcher_of(site),
            on_stage=lambda stage: _prepare(stage, ground, modules=site.settings.postgres_modules_dir),
        )
        findings = _look_through(site, ground, database=database)
        proof = replace(
            proof,
            is_well=all(one.is_well for one in findings),
            seconds={**restored.seconds, "checks": round(sum(one.seconds for one in findings), 3)},
            reached=restored.reached,
            last_commit_at=restored.last_commit_at or _last_commit(findings),
            findings=tuple(one.as_dict() for one in findings),
        )
    except _VERDICTS as error:
        proof = replace(proof, failure=error.message)
    finally:
        remove_copy(ground)
    proof = replace(proof, ended_at=clock.now())
    write_proof(site.folder, proof)
    _record(site, proof, actor=actor)
    return proof


def remove_leftovers(site: Site) -> None:
    """What a keeper that was killed while proving left: a server that runs on, and its folder."""
    remove_copy(_ground(site))


def _plan(stock: Stock, backup: BaseBackup) -> RestorePlan:
    """Of a backup that is the newest, to the newest moment; of an older one, to just after it."""
    mine = replace(stock, backups=tuple(_with_parents(stock.backups, backup)))
    just_after = Target(lsn=backup.end)
    if not stock.backups or stock.backups[-1].id != backup.id:
        return plan_restore(mine, target=just_after)
    plan = plan_restore(mine, target=Target())
    return plan if len(plan.segments) <= _MOST_SEGMENTS else plan_restore(mine, target=just_after)


def _with_parents(backups: Sequence[BaseBackup], backup: BaseBackup) -> list[BaseBackup]:
    by_id = {one.id: one for one in backups}
    found = [backup]
    while (parent := by_id.get(found[0].parent or "")) is not None:
        found.insert(0, parent)
    return found


def _records_bytes(plan: RestorePlan) -> int:
    return (len(plan.segments) + (plan.tail is not None)) * SEGMENT_BYTES


def _look_through(site: Site, ground: Ground, *, database: str) -> tuple[Finding, ...]:
    with opened_session(conninfo_of(ground.cluster, database=database), timeout_s=_TIMEOUT_S) as session:
        if session.row(_HAS_PRODUCT) != (True,):
            raise Refused(
                Text(
                    ja="このバックアップの時点では製品の表がまだなく、確かめるものがありません",
                    en="When this backup was taken the product had no tables yet: there is nothing to prove",
                ),
                hint=Text(
                    ja="`make up` が終わってから `hrx recover verify` を実行します。",
                    en="Run `hrx recover verify` once `make up` has ended.",
                ),
                code="recovery.nothing_to_prove",
            )
        found = (*check_copy(session), check_named_files(session, site.vault, site.files_dir))
        is_offered = any(one.code == STRUCTURE and not one.is_checked for one in found) and is_offered_by(
            session
        )
    if not is_offered:
        return found
    structure = timed(lambda: _walk_through(ground, database=database))
    return tuple(structure if one.code == STRUCTURE else one for one in found)


def _walk_through(ground: Ground, *, database: str) -> Finding:
    """Last of all: the copy is thrown away afterwards, so it may be opened and given what it lacks."""
    open_read_only(ground.cluster)
    conninfo = conninfo_of(ground.cluster, database=database)
    with opened_session(conninfo, timeout_s=_TIMEOUT_S, is_read_only=False) as session:
        session.rows("SET statement_timeout = 0")
        install(session)
        return check_structure(session)


def _last_commit(findings: Sequence[Finding]) -> datetime | None:
    """Nothing may have been replayed after the backup; then the server knows its last commit by itself."""
    told = next((one.figures.get("last_commit_at") for one in findings if one.code == "moment"), None)
    return datetime.fromisoformat(str(told)) if told else None


def _prepare(stage: str, ground: Ground, *, modules: Path | None) -> None:
    if stage == "replay":
        with (ground.cluster.data_dir / "postgresql.auto.conf").open("a") as file:
            file.write(_SMALL + (_name_modules(modules) if modules else ""))


def _name_modules(modules: Path) -> str:
    """Where Debian's package puts PostgreSQL's own modules; the server's own places stay the first."""
    return (
        f"extension_control_path = '$system:{modules}/usr/share/postgresql/18'\n"
        f"dynamic_library_path = '$libdir:{modules}/usr/lib/postgresql/18/lib'\n"
    )


def _record(site: Site, proof: Proof, *, actor: str) -> None:
    count_run(site, "proof", "succeeded" if proof.is_well else "failed")
    why = proof.why_not()
    body: dict[str, object] = {
        "is_well": proof.is_well,
        "seconds": dict(proof.seconds),
        "data_bytes": proof.data_bytes,
        "checks": {
            str(one["code"]): one["is_well"] if one.get("is_checked", True) else "not checked"
            for one in proof.findings
        },
        "why": why.en if why else None,
        "proof": proof.name,
    }
    note(site, Kind.BACKUP_PROVEN, proof.backup_id, body, actor=actor)


def _ground(site: Site) -> Ground:
    home = site.proving_dir
    for path in (site.recovery_dir, home):
        # The server's user passes through; nothing in it can be listed by others.
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o711)
    cluster = site.cluster_at(home / "copy" / "data", port=_PORT)
    return Ground(
        directory=home / "copy",
        port=_PORT,
        socket_dir=site.layout.sockets / "proving",
        run_as=cluster.run_as,
        install_dir=cluster.install_dir,
        receiver_dir=site.received_dir,
    )


def _step_back() -> None:
    """This thread, and every process that it starts, waits for whoever wants the processor."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def describe(proof: Proof) -> Text:
    """One line for people."""
    why = proof.why_not()
    if why is not None:
        return Text(
            ja=f"バックアップ {proof.backup_id} は使えません: {why.ja}",
            en=f"Backup {proof.backup_id} does not work: {why.en}",
        )
    return Text(
        ja=f"バックアップ {proof.backup_id} を復元し、すべて確かめました({proof.total_s:.1f} 秒)",
        en=f"Backup {proof.backup_id} was restored and checked throughout ({proof.total_s:.1f} s)",
    )
