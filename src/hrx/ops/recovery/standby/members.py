"""The two servers of a pair, and what each says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hrx.ops.recovery.wal import parse_lsn
from hrx.ops.seams.sessions import SessionLost, opened_session
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.postgres import PostgresCluster

#: The slot of the standby on its primary, and the name by which it is known there.
SLOT: Final = "hrx_standby"
_LOOK_TIMEOUT_S: Final = 3.0

# The control file of a server just promoted still names the old timeline; where it writes does not. That of a
# standby names the timeline of its last checkpoint, and its receiver's is gone with the primary: what is left
# is the history that it fetched.
_VIEW_SQL: Final = r"""
SELECT (SELECT system_identifier::text FROM pg_control_system()),
       pg_is_in_recovery(),
       CASE WHEN pg_is_in_recovery()
            THEN GREATEST((SELECT timeline_id FROM pg_control_checkpoint()),
                          (SELECT received_tli FROM pg_stat_wal_receiver),
                          (SELECT max(('x' || left(name, 8))::bit(32)::int) FROM pg_ls_waldir()
                            WHERE name ~ '^[0-9A-F]{8}\.history$'))
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,
       (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
             ELSE pg_current_wal_flush_lsn() END)::text,
       (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END)::text
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One server of a pair. `admin_url` is the superuser's, on any database; its password is in it."""

    name: str
    cluster: PostgresCluster
    admin_url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A server by its own word. `received` and `replayed` are positions; on a writer both are what it has
    flushed."""

    system_identifier: str
    is_writer: bool
    timeline: int
    received: int
    replayed: int


def view(member: Member, *, timeout_s: float = _LOOK_TIMEOUT_S) -> View:
    """Raises SessionLost when it does not answer."""
    with opened_session(member.admin_url, timeout_s=timeout_s) as session:
        row = session.row(_VIEW_SQL)
    assert row is not None  # noqa: S101  # a SELECT without FROM has a row
    system, in_recovery, timeline, received, replayed = row
    replayed_to = parse_lsn(replayed) if replayed else 0
    return View(
        system_identifier=str(system),
        is_writer=not in_recovery,
        timeline=int(timeline),
        # A standby that was never streamed to has received nothing, but replayed what came with its copy.
        received=max(parse_lsn(received) if received else 0, replayed_to),
        replayed=replayed_to,
    )


def find_view(member: Member, *, timeout_s: float = _LOOK_TIMEOUT_S) -> View | None:
    """None when it does not answer."""
    try:
        return view(member, timeout_s=timeout_s)
    except SessionLost:
        return None


def run(
    member: Member,
    statement: str,
    parameters: Mapping[str, object] | None = None,
    *,
    timeout_s: float = 30.0,
) -> list[tuple[object, ...]]:
    """One statement as superuser. Raises SessionLost."""
    with opened_session(member.admin_url, timeout_s=timeout_s, is_read_only=False) as session:
        return session.rows(statement, parameters)


def write_own_settings(cluster: PostgresCluster, values: Mapping[str, str | None]) -> None:
    """Set or drop (None) lines of `postgresql.auto.conf`, which win over every other file.

    Copies and rewinds bring the other server's along: these are written after each (P9)."""
    path = cluster.data_dir / "postgresql.auto.conf"
    lines = path.read_text().splitlines() if path.exists() else []
    kept = [line for line in lines if line.split("=")[0].strip() not in values]
    kept += [
        f"{name} = '{value.replace(chr(39), chr(39) * 2)}'"
        for name, value in values.items()
        if value is not None
    ]
    draft = path.with_name(path.name + ".new")
    draft.write_text("\n".join(kept) + "\n")
    users.give_to(draft, user=cluster.run_as, mode=0o600)
    draft.replace(path)
