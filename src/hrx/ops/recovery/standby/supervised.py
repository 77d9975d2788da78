"""The standby as a part of this machine: built from the living primary, run by the supervisor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from hrx.kit.errors import Refused, Text, Unavailable
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standby.building import STANDBY_NAME, Upstream, build_standby
from hrx.ops.recovery.standby.members import SLOT, Member, View, find_view, run, view
from hrx.ops.seams.sessions import SessionLost
from hrx.ops.targets.machine.blueprint import find_cluster, find_standby
from hrx.ops.targets.machine.native import reach_programs
from hrx.ops.targets.machine.ports import Ports, read_remembered
from hrx.ops.targets.machine.postgres import SUPERUSER, PostgresCluster
from hrx.ops.targets.machine.secrets import read_secrets

PART: Final = "postgres-standby"
_STARTS_WITHIN_S: Final = 60.0
_STOPS_WITHIN_S: Final = 75.0
#: A copy runs at 100 MB/s and more on a machine like this; a database of a person's own may be 100 GB.
BUILDS_WITHIN_S: Final = 3600.0

_FOLLOWER_SQL: Final = """
SELECT state, sync_state, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn)::bigint,
       COALESCE(EXTRACT(EPOCH FROM replay_lag), 0)::float8
  FROM pg_stat_replication WHERE application_name = %(name)s ORDER BY backend_start DESC LIMIT 1
"""
_DROP_SLOT_SQL: Final = """
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
 WHERE slot_name = %(slot)s AND NOT active
"""


class Keeping(Protocol):
    """Whoever keeps the server running; the supervisor."""

    def start(self, name: str, *, timeout_s: float) -> object: ...

    def stop(self, name: str, *, timeout_s: float) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbyStatus:
    """Both servers by their own word (None: it does not answer), and the primary's word on its follower.

    `behind_bytes` is what the standby has not flushed, `behind_s` how late it replays; None when it is not
    connected. `is_waited_for`: whether commits wait for it."""

    mode: str
    is_built: bool
    primary: View | None
    standby: View | None
    state: str | None
    behind_bytes: int | None
    behind_s: float | None
    is_waited_for: bool


def open_pair(site: Site) -> tuple[Member, Member]:
    """Primary and standby of this machine. Raises Unavailable when the database is not this machine's."""
    layout = site.layout
    ports = Ports(edge=0, ops=0, inner=read_remembered(layout.ports_file))
    password = read_secrets(layout.secrets_file).get("HRX_POSTGRES_ADMIN_PASSWORD")
    if password is None or not {"postgres", "postgres_standby"} <= set(ports.inner):
        raise Unavailable(
            Text(
                ja="この機械にはデータベースも待機系もありません",
                en="This machine has neither a database of its own nor a standby",
            ),
            hint=Text(ja="`hrx up` で用意します。", en="`hrx up` makes them."),
            code="standby.no_database",
        )
    native = reach_programs(layout)

    def member(name: str, cluster: PostgresCluster) -> Member:
        return Member(name=name, cluster=cluster, admin_url=cluster.url(SUPERUSER, password, "postgres"))

    return (
        member("postgres", find_cluster(layout, ports, native=native)),
        member(PART, find_standby(layout, ports, native=native)),
    )


def build(site: Site, keeping: Keeping) -> None:
    """Copy the living primary anew and start the copy as its standby. May be cut off and run again.

    Raises Refused when what lies there was promoted or no standby is wanted; Unavailable, SessionLost."""
    _require_wanted(site)
    primary, standby = open_pair(site)
    _require_follower(standby.cluster)
    if not view(primary).is_writer:
        raise Refused(
            Text(ja="主系が書き込みを受け付けていません", en="The primary takes no writes"),
            hint=Text(
                ja="`hrx recover standby status` で役割を確かめます。",
                en="See who is what: `hrx recover standby status`.",
            ),
            code="standby.no_writer",
        )
    source, passfile = site.source, site.settings.backup_passfile
    keeping.stop(PART, timeout_s=_STOPS_WITHIN_S)
    upstream = Upstream(conninfo=source.conninfo, passfile=passfile)
    build_standby(primary, standby.cluster, source, upstream, timeout_s=BUILDS_WITHIN_S)
    start(site, keeping)


def start(site: Site, keeping: Keeping) -> None:
    """Start the standby that was built. Raises Refused when it is fenced, promoted, or not wanted."""
    _require_wanted(site)
    _, standby = open_pair(site)
    _require_follower(standby.cluster)
    standby.cluster.prepare()
    keeping.start(PART, timeout_s=_STARTS_WITHIN_S)


def stop(keeping: Keeping) -> None:
    """Stop it; the primary keeps what it lacks, up to `max_slot_wal_keep_size`."""
    keeping.stop(PART, timeout_s=_STOPS_WITHIN_S)


def ensure(site: Site, keeping: Keeping) -> bool:
    """Build what is missing and start it; gives whether it was built now. Raises as `build`."""
    _, standby = open_pair(site)
    if (standby.cluster.data_dir / "PG_VERSION").exists():
        start(site, keeping)
        return False
    build(site, keeping)
    return True


def let_go(site: Site) -> bool:
    """With no standby wanted, the primary must not keep records for one; gives whether it did.

    Its data stays where it is. Raises SessionLost, Unavailable."""
    primary, _ = open_pair(site)
    if run(primary, "SHOW synchronous_standby_names") != [("",)]:
        run(primary, "ALTER SYSTEM SET synchronous_standby_names = ''")
        run(primary, "SELECT pg_reload_conf()")
    return bool(run(primary, _DROP_SLOT_SQL, {"slot": SLOT}))


def read_status(site: Site) -> StandbyStatus:
    """How the two stand now. Raises Unavailable when the database is not this machine's."""
    primary, standby = open_pair(site)
    state, sync_state, behind_bytes, behind_s = None, None, None, None
    try:
        rows = run(primary, _FOLLOWER_SQL, {"name": STANDBY_NAME}, timeout_s=3.0)
    except SessionLost:
        rows = []
    if rows:
        state, sync_state, behind_bytes, behind_s = rows[0]
    return StandbyStatus(
        mode=site.settings.standby_mode,
        is_built=(standby.cluster.data_dir / "PG_VERSION").exists(),
        primary=find_view(primary),
        standby=find_view(standby),
        state=None if state is None else str(state),
        behind_bytes=None if behind_bytes is None else int(str(behind_bytes)),
        behind_s=None if behind_s is None else float(str(behind_s)),
        is_waited_for=sync_state in ("sync", "quorum"),
    )


def _require_wanted(site: Site) -> None:
    if site.settings.standby_mode == "off":
        raise Refused(
            Text(ja="待機系は使わない設定です(HRX_STANDBY_MODE=off)", en="No standby is wanted here"),
            hint=Text(
                ja="`HRX_STANDBY_MODE=async hrx up` で作って動かします。",
                en="`HRX_STANDBY_MODE=async hrx up` builds one and starts it.",
            ),
            code="standby.not_wanted",
        )


def _require_follower(cluster: PostgresCluster) -> None:
    """Never over a server that was promoted: it may hold what nobody else has."""
    is_there = (cluster.data_dir / "PG_VERSION").exists()
    if is_there and not (cluster.data_dir / "standby.signal").exists():
        raise Refused(
            Text(
                ja=f"{cluster.data_dir} は待機系ではなく、書き込みを引き継いだデータです",
                en=f"{cluster.data_dir} is no standby: it took over the writing",
            ),
            hint=Text(
                ja="`hrx recover standby status` で役割を確かめてください。消さないでください。",
                en="See who is what with `hrx recover standby status`; do not delete it.",
            ),
            code="standby.is_writer",
        )
