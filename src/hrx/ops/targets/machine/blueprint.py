"""The parts of this machine's stack put together: which, where, and through which door each is asked."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from hrx.kit.settings import load
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine import database
from hrx.ops.targets.machine.backups import BackupDoor
from hrx.ops.targets.machine.environment import Endpoints
from hrx.ops.targets.machine.exporters import PostgresExporter, RedisExporter
from hrx.ops.targets.machine.haproxy import Edge
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.native import NativePrograms
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.postgres import PostgresCluster
from hrx.ops.targets.machine.programs import Parts
from hrx.ops.targets.machine.prometheus import Alertmanager, Prometheus
from hrx.ops.targets.machine.readiness import Door
from hrx.ops.targets.machine.redis import RedisServer
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.tools import Tool

#: Part → where it tells its figures. A part is called here what runbook/parts.yaml calls it: a second name
#: would make two conditions of one fact.
SCRAPED: Final = {
    "api-blue": "api_blue_metrics",
    "api-green": "api_green_metrics",
    "web-blue": "web_blue_metrics",
    "web-green": "web_green_metrics",
    "worker": "worker",
    "scoring": "scoring",
    "ops": "ops",
    "backup": "backup",
    "probe": "probe",
    "haproxy": "haproxy_stats",
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
    "postgres-exporter": "postgres_exporter",
    "redis-exporter": "redis_exporter",
}


def build_parts(
    layout: Layout,
    settings: MachineSettings,
    *,
    ports: Ports,
    tools: Mapping[str, Tool],
    native: NativePrograms,
    cluster: PostgresCluster | None,
    endpoints: Endpoints,
) -> Parts:
    """The native parts; an optional one whose tool is missing is None."""
    return Parts(
        postgres=cluster,
        standby=find_standby(layout, ports, native=native) if cluster and wants_standby() else None,
        backup=find_backup_door(layout, ports) if cluster is not None else None,
        redis=None if endpoints.is_redis_elsewhere else find_redis(layout, ports, native=native),
        edge=Edge(
            tool=tools["haproxy"],
            source=layout.root / "deploy" / "edge",
            folder=layout.run / "edge",
            socket_path=layout.haproxy_socket,
            public=layout.status_public,
            ports=ports,
            bind=settings.edge_bind,
            user=layout.user,
            has_database=cluster is not None and wants_standby(),
        ),
        prometheus=_find_prometheus(layout, ports=ports, tools=tools),
        alertmanager=_find_alertmanager(layout, ports=ports, tools=tools),
        postgres_exporter=_find_postgres_exporter(layout, ports=ports, tools=tools, endpoints=endpoints),
        redis_exporter=_find_redis_exporter(layout, ports=ports, tools=tools, endpoints=endpoints),
    )


def _find_prometheus(layout: Layout, *, ports: Ports, tools: Mapping[str, Tool]) -> Prometheus | None:
    if "prometheus" not in tools:
        return None
    return Prometheus(
        tool=tools["prometheus"],
        checker=tools.get("promtool"),
        source=layout.root / "monitoring",
        folder=layout.var / "prometheus",
        ports=ports,
        user=layout.user,
    )


def _find_alertmanager(layout: Layout, *, ports: Ports, tools: Mapping[str, Tool]) -> Alertmanager | None:
    if "alertmanager" not in tools:
        return None
    return Alertmanager(
        tool=tools["alertmanager"],
        checker=tools.get("amtool"),
        source=layout.root / "monitoring",
        folder=layout.var / "alertmanager",
        ports=ports,
        user=layout.user,
    )


def _find_postgres_exporter(
    layout: Layout, *, ports: Ports, tools: Mapping[str, Tool], endpoints: Endpoints
) -> PostgresExporter | None:
    if "postgres-exporter" not in tools or endpoints.ops_database is None:
        return None
    return PostgresExporter(
        tool=tools["postgres-exporter"],
        folder=layout.var / "exporters",
        port=ports["postgres_exporter"],
        database_url=endpoints.ops_database,
        user=layout.user,
    )


def _find_redis_exporter(
    layout: Layout, *, ports: Ports, tools: Mapping[str, Tool], endpoints: Endpoints
) -> RedisExporter | None:
    if "redis-exporter" not in tools or endpoints.redis is None:
        return None
    return RedisExporter(
        tool=tools["redis-exporter"],
        folder=layout.var / "exporters",
        port=ports["redis_exporter"],
        redis_url=endpoints.redis,
        user=layout.user,
    )


def wants_standby() -> bool:
    """Whether a standby belongs to this stack."""
    return load(OpsSettings).standby_mode != "off"


def find_backup_door(layout: Layout, ports: Ports) -> BackupDoor:
    """How backups reach this stack's own PostgreSQL: whoever is the writer."""
    return BackupDoor(
        run=layout.run, recovery=layout.recovery, port=find_database_port(ports), user=layout.user
    )


def find_database_port(ports: Ports) -> int:
    """Where clients reach the writer: through the edge where a standby may take over."""
    return ports["database"] if wants_standby() else ports["postgres"]


def find_cluster(layout: Layout, ports: Ports, *, native: NativePrograms) -> PostgresCluster:
    """This stack's PostgreSQL."""
    return PostgresCluster(
        data_dir=layout.postgres_data,
        port=ports["postgres"],
        socket_dir=layout.var / "postgres",
        run_as=layout.user,
        install_dir=native.postgres_dir,
        archive_command=find_backup_door(layout, ports).archive_command,
    )


def find_standby(layout: Layout, ports: Ports, *, native: NativePrograms) -> PostgresCluster:
    """The standby of this stack's PostgreSQL, built or not. It hands its records to nobody while it reads."""
    return PostgresCluster(
        data_dir=layout.standby_data,
        port=ports["postgres_standby"],
        socket_dir=layout.standby_data,
        run_as=layout.user,
        install_dir=native.postgres_dir,
    )


def find_redis(layout: Layout, ports: Ports, *, native: NativePrograms) -> RedisServer:
    """This stack's Redis."""
    return RedisServer(
        program=native.redis_server, folder=layout.var / "redis", port=ports["redis"], user=layout.user
    )


def list_doors(ports: Ports, *, names: Sequence[str]) -> list[Door]:
    """Where each part that has a door says whether it is ready; API and web as people reach them."""
    edge = f"http://127.0.0.1:{ports.edge}"
    doors = {
        "api": Door(part="api", url=f"{edge}/readyz"),
        "web": Door(part="web", url=f"{edge}/web/readyz"),
        "worker": Door(part="worker", url=f"http://127.0.0.1:{ports['worker']}/readyz"),
        "scoring": Door(part="scoring", url=f"http://127.0.0.1:{ports['scoring']}/readyz"),
        "backup": Door(part="backup", url=f"http://127.0.0.1:{ports['backup']}/readyz"),
        "ops": Door(part="ops", url=f"http://127.0.0.1:{ports.ops}/readyz"),
        "probe": Door(part="probe", url=f"http://127.0.0.1:{ports['probe']}/readyz"),
        "status": Door(part="status", url=f"http://127.0.0.1:{ports['status']}/readyz"),
        "inbox": Door(part="inbox", url=f"http://127.0.0.1:{ports['inbox']}/readyz"),
        "prometheus": Door(part="prometheus", url=f"http://127.0.0.1:{ports['prometheus']}/-/ready"),
        "alertmanager": Door(part="alertmanager", url=f"http://127.0.0.1:{ports['alertmanager']}/-/ready"),
    }
    # People come to a service, whichever of its slots runs.
    wanted = {name.removesuffix("-blue").removesuffix("-green") for name in names}
    return [door for name, door in doors.items() if name in wanted]


def find_endpoints(
    cluster: PostgresCluster | None,
    *,
    redis_port: int,
    secrets: Mapping[str, str],
    backup: BackupDoor | None = None,
    standby: PostgresCluster | None = None,
    database_port: int | None = None,
) -> Endpoints:
    """Our own database and cache, unless the user named others.

    `database_port` is where the writer is reached, if not at its own door. The owner's sessions, which change
    the schema before anything else runs, go there directly."""
    own = f"redis://:{secrets['HRX_REDIS_PASSWORD']}@127.0.0.1:{redis_port}/0"
    # A command that a part of this very stack starts carries our own address: that names nobody else.
    redis = os.environ.get("HRX_REDIS_URL") or own
    is_redis_elsewhere = redis != own
    if cluster is None:
        return Endpoints(
            app_database=os.environ["HRX_DATABASE_URL"],
            owner_database=os.environ.get("HRX_OWNER_DATABASE_URL"),
            ops_database=os.environ.get("HRX_OPS_DATABASE_URL"),
            redis=redis,
            is_redis_elsewhere=is_redis_elsewhere,
        )
    reached = replace(cluster, port=database_port or cluster.port)
    app, owner, ops = (
        server.url(f"hrx_{role}", secrets[f"HRX_POSTGRES_{role.upper()}_PASSWORD"], database.DATABASE)
        for role, server in (("app", reached), ("owner", cluster), ("ops", reached))
    )
    return Endpoints(
        app_database=app,
        owner_database=owner,
        ops_database=ops,
        standby_database=standby.url("hrx_ops", secrets["HRX_POSTGRES_OPS_PASSWORD"], database.DATABASE)
        if standby
        else None,
        redis=redis,
        backup_conninfo=backup.conninfo if backup else None,
        backup_passfile=backup.passfile if backup else None,
        is_redis_elsewhere=is_redis_elsewhere,
    )


def list_scraped(ports: Ports, parts: Parts, *, resting: Collection[str]) -> dict[str, int]:
    """What Prometheus asks: every part with metrics, and of two slots the live one."""
    there = {
        "alertmanager": parts.alertmanager,
        "postgres-exporter": parts.postgres_exporter,
        "redis-exporter": parts.redis_exporter,
    }
    return {
        name: ports.ops if port == "ops" else ports[port]
        for name, port in SCRAPED.items()
        if there.get(name, True) is not None and name not in resting
    }
