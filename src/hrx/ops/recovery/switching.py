"""The living database replaced by a restored copy, one step at a time; every step may be killed and repeated.

The former data is kept whole beside it, with the change records that had not been shipped, so that the way
back stays open until somebody removes it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, NotFound, Refused, Text
from hrx.ops.recovery import copies
from hrx.ops.recovery.bases import list_bases
from hrx.ops.recovery.copies import DATABASE, CopyState
from hrx.ops.recovery.copy_server import (
    conninfo_of,
    end_recovery_at_once,
    forget_restore,
    keep_private,
    open_read_only,
)
from hrx.ops.recovery.duties import keep_before_switch
from hrx.ops.recovery.effects import hold_effects
from hrx.ops.recovery.erasing import list_orders, replay_orders
from hrx.ops.recovery.files import list_named, restore_files
from hrx.ops.recovery.records import SLOT, history_name, list_histories, ship
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.wal import parse_lsn
from hrx.ops.seams.sessions import Session, opened_session
from hrx.ops.targets.machine import database, users
from hrx.ops.targets.machine.blueprint import find_cluster
from hrx.ops.targets.machine.native import reach_programs
from hrx.ops.targets.machine.ports import Ports, read_remembered
from hrx.ops.targets.machine.postgres import PostgresCluster
from hrx.ops.targets.machine.roles import create_roles_and_database, set_superuser_password
from hrx.ops.targets.machine.secrets import read_secrets
from hrx.ops.targets.rising import begin_rising, end_rising

_INCOMING: Final = ".incoming"
#: Records that belong to the data before the switch, and to the copy once somebody went back.
_BEFORE: Final = "received"
AFTER: Final = "received-after"
_DOOR_TIMEOUT_S: Final = 120.0
_SLOT: Final = """
SELECT pg_create_physical_replication_slot(%(slot)s, true)
WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = %(slot)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The data before a switch: whose place it was, and where it lies."""

    name: str
    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"


def require_good(site: Site, name: str) -> copies.CopyFacts:
    """The copy, when one may switch to it: restored, checked, well. Raises NotFound, Refused."""
    facts = copies.get_copy(site, name)
    if facts.state is CopyState.SWITCHED:
        return facts
    if facts.state is not CopyState.READY:
        raise Refused(
            Text(
                ja=f"写し {name} は検査を通っていません({facts.state.value})",
                en=f"Copy {name} has not passed its checks ({facts.state.value})",
            ),
            hint=Text(
                ja="`hrx recover copies` で理由を見て、別の時点で復元し直してください。",
                en="See why with `hrx recover copies`, and restore another moment.",
            ),
            code="recovery.copy_not_good",
        )
    return facts


def prepare_copy(site: Site, name: str) -> Mapping[str, object]:
    """Open the copy for writing on a timeline of its own, with today's passwords, whoever was erased since
    erased again, and a slot for the receiver. Raises Refused, SessionLost, StillReadable."""
    require_good(site, name)
    if not _copy_data(site, name).exists():
        return {"prepared": "before"}
    ground = copies.ground_of(site, name)
    cluster = ground.cluster
    keep_private(ground)
    if not cluster.is_running():
        cluster.start(timeout_s=_DOOR_TIMEOUT_S)
    open_read_only(cluster)
    secrets = read_secrets(site.layout.secrets_file)
    where = conninfo_of(cluster)
    # For these sessions alone: the copy goes on being read-only for everybody else.
    admin = f"{where} options='-c default_transaction_read_only=off'"
    set_superuser_password(admin, secrets["HRX_POSTGRES_ADMIN_PASSWORD"])
    create_roles_and_database(admin, database.list_passwords(secrets), database=DATABASE)
    with _writing(where) as session:
        session.row(_SLOT, {"slot": SLOT})
    with _writing(conninfo_of(cluster, database=DATABASE)) as session:
        erased = replay_orders(session, list_orders(site.folder), correlation_id=f"switch-{name}")
        # Files that were deleted since: the rows of this moment name them.
        files = restore_files(site.vault, list_named(session), site.files_dir)
    return {"prepared": "now", "erased_again": len(erased), "files_restored": files.restored}


def close_copy(site: Site, name: str) -> Mapping[str, object]:
    """Stop the copy in order and take its restore settings out. Harmless when it has moved."""
    data = _copy_data(site, name)
    if not data.exists():
        return {"closed": "before"}
    cluster = copies.ground_of(site, name).cluster
    cluster.stop(mode="fast")
    forget_restore(data)
    for mark in ("recovery.signal", "standby.signal"):
        (data / mark).unlink(missing_ok=True)
    # It was written without waiting for the disk; from now on it is all there is.
    os.sync()
    return {"closed": "now", "timeline": cluster.control().timeline}


def keep_records(site: Site, name: str, *, of: str = _BEFORE) -> Mapping[str, object]:
    """Ship what was received, and set aside what fills no file yet: it belongs to the data that goes."""
    shipped = ship(site.vault, site.received_dir)
    keep_before_switch(site)
    kept = _kept(site, name).folder / of
    moved = 0
    for path in sorted(site.received_dir.iterdir()) if site.received_dir.is_dir() else ():
        kept.mkdir(parents=True, exist_ok=True)
        path.rename(kept / path.name)
        moved += 1
    return {"shipped": len(shipped), "set_aside": moved}


def give_records_back(site: Site, name: str) -> None:
    """Undo of the above: the receiver goes on where it was."""
    kept = _kept(site, name).folder / _BEFORE
    if kept.is_dir():
        site.received_dir.mkdir(parents=True, exist_ok=True)
        for path in kept.iterdir():
            path.replace(site.received_dir / path.name)
        kept.rmdir()


def put_in_place(site: Site, name: str) -> Mapping[str, object]:
    """The former data aside, the copy's into its place: two renames on one disk, each of which may be the
    last thing that a killed run did."""
    living, incoming = site.layout.postgres_data, _incoming(site)
    kept = _kept(site, name)
    data = _copy_data(site, name)
    if data.exists():
        _move(data, incoming)
    if incoming.exists():
        if living.exists() and not kept.data.exists():
            kept.folder.mkdir(parents=True, exist_ok=True)
            living.rename(kept.data)
        if living.exists():
            raise _in_the_way(living)
        incoming.rename(living)
        (site.layout.run / "migrated").unlink(missing_ok=True)
    living_cluster(site).prepare()
    living_cluster(site).note_placed(at=clock.now())
    copies.note_state(site, name, CopyState.SWITCHED)
    return {"kept": str(kept.data) if kept.data.exists() else None}


def take_back(site: Site, name: str) -> Mapping[str, object]:
    """Undo of the above, whatever of it was done: the former data is in its place again.

    Where none was kept, because it was lost, the copy stays in place: it is the best there is."""
    living, incoming, kept = site.layout.postgres_data, _incoming(site), _kept(site, name)
    data = _copy_data(site, name)
    is_in_place = copies.get_copy(site, name).state is CopyState.SWITCHED and not data.exists()
    if incoming.exists():
        _move(incoming, data)
    elif is_in_place and living.exists() and kept.data.exists():
        _move(living, data)
    if kept.data.exists() and not living.exists():
        kept.data.rename(living)
        (site.layout.run / "migrated").unlink(missing_ok=True)
    if living.exists():
        living_cluster(site).prepare()
        living_cluster(site).note_placed(at=clock.now())
    if data.exists():
        copies.note_state(site, name, CopyState.READY)
    return {"living": living.exists()}


def begin_new_timeline(site: Site) -> Mapping[str, object]:
    """Have the living server, which is stopped, begin on a timeline later than every known one.

    Whoever goes back would else write a second history under a number that the copy had taken, and the next
    restore could not tell them apart. Harmless when there is no later one."""
    living = living_cluster(site)
    known = max((*list_histories(site.vault), living.control().timeline))
    if known == living.control().timeline or living.is_running():
        return {"timeline": "goes on"}
    for timeline in list_histories(site.vault):
        path = living.data_dir / "pg_wal" / f"{timeline:08X}.history"
        path.write_bytes(site.vault.get_bytes(history_name(timeline)))
        users.give_to(path, user=living.run_as, mode=0o600)
    end_recovery_at_once(living)
    return {"timeline": "new", "beyond": known}


def forget_beginning(site: Site) -> None:
    """What made the living server begin so is over."""
    forget_restore(site.layout.postgres_data)


def migrate(site: Site, *, owner_url: str) -> Mapping[str, object]:
    """Bring the schema of the past to today's code."""
    identity = living_cluster(site).system_identifier()
    return {"looked_at": database.migrate(site.layout, owner_url=owner_url, identity=identity)}


def hold_what_was_sent(site: Site, session: Session, name: str) -> bool:
    """Hold jobs of a moment that is past: what leaves the product may have left it since.

    The newest moment is no past: its jobs go on as after any crash. Nor is the data that somebody went back
    to: its jobs waited, and nobody did them meanwhile."""
    facts = copies.get_copy(site, name)
    if facts.said == "latest" or facts.state is not CopyState.SWITCHED:
        return False
    return hold_effects(session, reason=f"switched to copy {name}", correlation_id=f"switch-{name}")


def list_kept(site: Site) -> list[Kept]:
    """Data of before switches that is still there, the newest last."""
    folders = (site.layout.recovery / "kept").glob("*/data")
    found = [Kept(name=path.parent.name, folder=path.parent) for path in folders]
    return sorted(found, key=lambda one: one.folder.stat().st_mtime)


def remove_kept(site: Site, name: str) -> None:
    """Remove the data of before a switch; there is no way back afterwards. Raises NotFound."""
    kept = _kept(site, name)
    if not kept.folder.exists():
        raise nothing_kept(name)
    shutil.rmtree(kept.folder)


def nothing_kept(name: str) -> NotFound:
    return NotFound(
        Text(
            ja=f"{name} への切り替え前のデータはありません",
            en=f"No data from before the switch to {name} is kept",
        ),
        hint=Text(
            ja="前の時点へは `hrx recover restore` で戻します。",
            en="An earlier moment comes back with `hrx recover restore`.",
        ),
        code="recovery.nothing_kept",
    )


def prove_switched(site: Site, session: Session, name: str) -> Mapping[str, object]:
    """What the new server says of itself. `is_good`: open for writing, on a later timeline, same system."""
    row = session.row(
        "SELECT pg_is_in_recovery(), timeline_id, pg_current_wal_flush_lsn()::text,"
        " EXISTS (SELECT FROM pg_file_settings"
        "  WHERE name = 'default_transaction_read_only' AND setting = 'on')"
        " FROM pg_control_checkpoint()"
    )
    if row is None:
        return {"is_good": False}
    facts = copies.get_copy(site, name)
    return {
        "is_good": row[0] is False and row[3] is False,
        "timeline": int(row[1]),
        "position": str(row[2]),
        "copy_reached": facts.reached,
        "is_beyond_copy": facts.reached is None or parse_lsn(str(row[2])) >= parse_lsn(facts.reached),
    }


def has_new_backup(site: Site, *, timeline: int) -> bool:
    """Whether a backup of the new timeline exists: from then on it is safe by itself."""
    return any(one.timeline == timeline for one in list_bases(site))


def begin_quiet(site: Site) -> None:
    """Who watches waits: what goes down from here on goes down on purpose."""
    begin_rising(site.layout.var)


def end_quiet(site: Site) -> None:
    end_rising(site.layout.var)


def living_cluster(site: Site) -> PostgresCluster:
    """The living server, on the port that this stack gave it. A copy's settings name another."""
    layout = site.layout
    ports = Ports(edge=0, ops=0, inner=read_remembered(layout.ports_file))
    return find_cluster(layout, ports, native=reach_programs(layout))


def _copy_data(site: Site, name: str) -> Path:
    return copies.home_of(site, name) / "copy" / "data"


def _incoming(site: Site) -> Path:
    living = site.layout.postgres_data
    return living.with_name(living.name + _INCOMING)


def _kept(site: Site, name: str) -> Kept:
    return Kept(name=name, folder=site.layout.recovery / "kept" / name)


def _move(source: Path, target: Path) -> None:
    """A rename, or a copy that appears whole when the two are on different disks."""
    try:
        source.rename(target)
    except OSError:
        draft = target.with_name(f"{target.name}.{clock.now():%H%M%S}.moving")
        shutil.copytree(source, draft, symlinks=True, copy_function=_copy_with_owner)
        _own_like(source, draft)
        draft.rename(target)
        shutil.rmtree(source)


def _copy_with_owner(source: str, target: str) -> str:
    shutil.copy2(source, target)
    _own_like(Path(source), Path(target))
    return target


def _own_like(source: Path, target: Path) -> None:
    facts = source.stat()
    os.chown(target, facts.st_uid, facts.st_gid)
    for folder in source.rglob("*") if source.is_dir() else ():
        if folder.is_dir():
            there = target / folder.relative_to(source)
            facts = folder.stat()
            os.chown(there, facts.st_uid, facts.st_gid)
            there.chmod(facts.st_mode & 0o777)


def _in_the_way(living: Path) -> Conflict:
    return Conflict(
        Text(
            ja=f"{living} に別のデータがあり、前のデータもすでに取ってあります",
            en=f"{living} holds other data, and former data is kept already",
        ),
        hint=Text(
            ja="どれが正しいかを見て、人の手で片付けてください。",
            en="See which is right, and clear up by hand.",
        ),
        code="recovery.in_the_way",
    )


@contextmanager
def _writing(conninfo: str) -> Iterator[Session]:
    with opened_session(conninfo, timeout_s=_DOOR_TIMEOUT_S, is_read_only=False) as session:
        yield session
