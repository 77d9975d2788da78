"""The programs of this machine's stack: how each is started and how it is asked to end."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.ops.targets.machine import environment
from hrx.ops.targets.machine.backups import BackupDoor
from hrx.ops.targets.machine.environment import Endpoints
from hrx.ops.targets.machine.exporters import PostgresExporter, RedisExporter
from hrx.ops.targets.machine.haproxy import Edge
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.portal import publish_portal
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.postgres import PostgresCluster
from hrx.ops.targets.machine.prometheus import Alertmanager, Prometheus
from hrx.ops.targets.machine.redis import RedisServer
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.slot_code import SlotCode, read_slot_code
from hrx.ops.targets.machine.supervisor_config import Program, read_commit

_BACKUP_NICENESS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The native parts of a stack; None for one that lives elsewhere or cannot be had."""

    postgres: PostgresCluster | None
    backup: BackupDoor | None
    standby: PostgresCluster | None
    redis: RedisServer | None
    edge: Edge
    prometheus: Prometheus | None
    alertmanager: Alertmanager | None
    postgres_exporter: PostgresExporter | None = None
    redis_exporter: RedisExporter | None = None


def list_programs(
    layout: Layout,
    settings: MachineSettings,
    *,
    ports: Ports,
    endpoints: Endpoints,
    secrets: Mapping[str, str],
    parts: Parts,
) -> list[Program]:
    """Every program, in the order of the start."""
    commit = read_commit(layout.root)
    app = environment.app_environment(
        layout, settings, ports=ports, endpoints=endpoints, secrets=secrets, commit=commit
    )
    ops = environment.ops_environment(
        layout, ports=ports, endpoints=endpoints, secrets=secrets, commit=commit
    )
    code = fingerprint_tree(layout.root / "src" / "hrx")
    content = fingerprint_tree(layout.root / "runbook")
    built = publish_portal(layout)
    placed = read_slot_code(layout.run)
    return [
        *_data_programs(layout, parts),
        *(
            _placed(_api(layout, slot, ports=ports, known=app, code=code), placed)
            for slot in ("blue", "green")
        ),
        *(_placed(_web(layout, slot, ports=ports, built=built), placed) for slot in ("blue", "green")),
        _placed(_worker(layout, ports=ports, known=app, code=code), placed),
        Program(
            name="scoring",
            argv=[sys.executable, "-m", "hrx.app.models.serving"],
            cwd=layout.root,
            environment=environment.scoring_environment(layout, app, ops, ports=ports),
            # What was let in is answered first.
            stop_wait_s=15,
            fingerprint=code,
        ),
        Program(
            name="ops",
            argv=[sys.executable, "-m", "hrx.ops.console"],
            cwd=layout.root,
            environment=ops,
            fingerprint=code + content,
        ),
        Program(
            name="backup",
            # Whatever it does can wait for what serves people.
            argv=["nice", "-n", str(_BACKUP_NICENESS), sys.executable, "-m", "hrx.ops.recovery.keeping"],
            cwd=layout.root,
            environment=environment.backup_environment(ops),
            # What was received is shipped before it ends.
            stop_wait_s=30,
            fingerprint=code,
        ),
        Program(
            name="probe",
            argv=[sys.executable, "-m", "hrx.ops.probe"],
            cwd=layout.root,
            environment=environment.probe_environment(ops, ports=ports),
            fingerprint=code,
        ),
        Program(
            name="status",
            argv=[sys.executable, "-m", "hrx.ops.status"],
            cwd=layout.root,
            environment=environment.status_environment(ops),
            fingerprint=fingerprint_tree(layout.root / "src" / "hrx" / "ops" / "status"),
        ),
        *_inbox_programs(layout, known=ops),
        *_edge_and_watch_programs(layout, parts),
        *_exporter_programs(layout, parts),
    ]


def fingerprint_tree(folder: Path) -> str:
    """Changes when a file below is added, removed or touched; reads no contents, for every start asks."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".pyc" or not path.is_file():
            continue
        seen = path.stat()
        digest.update(f"{path.relative_to(folder)} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _data_programs(layout: Layout, parts: Parts) -> list[Program]:
    known = environment.base_environment(layout)
    programs = []
    for name, server in (("postgres", parts.postgres), ("postgres-standby", parts.standby)):
        if server is None:
            continue
        programs.append(
            Program(
                name=name,
                argv=server.postgres_argv(),
                # A standby's directory is exchanged when it is built anew: `-D` names it.
                cwd=server.data_dir if name == "postgres" else layout.var,
                environment={**known, "LC_ALL": "C"},
                user=layout.user,
                # INT is the fast shutdown: sessions end, everything is written, no recovery is needed. A
                # killed group could leave a write in the middle, which the next start would have to repair.
                stop_signal="INT",
                stop_wait_s=60,
                may_kill_group=False,
                fingerprint=_read(server.data_dir / "hrx.conf") if name == "postgres" else "",
            )
        )
    if parts.backup is not None:
        programs.append(
            Program(
                name="wal-receiver",
                argv=parts.backup.receiver_argv(),
                cwd=parts.backup.received,
                environment={**known, "LC_ALL": "C", "PGPASSFILE": str(parts.backup.passfile)},
                user=layout.user,
                fingerprint=_read(Path(parts.backup.receiver_argv()[0])) + _read(parts.backup.passfile),
            )
        )
    if parts.redis is not None:
        programs.append(
            Program(
                name="redis",
                argv=parts.redis.argv(),
                cwd=parts.redis.folder,
                environment=known,
                user=layout.user,
                fingerprint=_read(parts.redis.folder / "redis.conf"),
            )
        )
    return programs


def _inbox_programs(layout: Layout, *, known: Mapping[str, str]) -> list[Program]:
    if not environment.has_inbox():
        return []
    return [
        Program(
            name="inbox",
            argv=[sys.executable, "-m", "hrx.ops.inbox"],
            cwd=layout.root,
            environment=environment.inbox_environment(known),
            fingerprint=fingerprint_tree(layout.root / "src" / "hrx" / "ops" / "inbox"),
        )
    ]


def _edge_and_watch_programs(layout: Layout, parts: Parts) -> list[Program]:
    known = environment.base_environment(layout)
    programs = [
        Program(
            name="haproxy",
            argv=parts.edge.argv(),
            cwd=layout.run,
            environment={**known, **parts.edge.tool.environment()},
            # USR1 takes no new connection and lets running requests end (at most hard-stop-after).
            stop_signal="USR1",
            stop_wait_s=12,
            fingerprint=_read(parts.edge.config),
        )
    ]
    # One core is plenty; the soft limit makes Go collect before it grows.
    go = {**known, "GOMAXPROCS": "1"}
    for name, part, limit in (
        ("prometheus", parts.prometheus, "160MiB"),
        ("alertmanager", parts.alertmanager, "48MiB"),
    ):
        if part is not None:
            programs.append(
                Program(
                    name=name,
                    argv=part.argv(),
                    cwd=part.folder,
                    environment={**go, "GOMEMLIMIT": limit},
                    user=layout.user,
                    stop_wait_s=20,
                    fingerprint=_read(part.folder / f"{name}.yml"),
                )
            )
    return programs


def _exporter_programs(layout: Layout, parts: Parts) -> list[Program]:
    known = {**environment.base_environment(layout), "GOMAXPROCS": "1", "GOMEMLIMIT": "24MiB"}
    return [
        Program(
            name=name,
            argv=part.argv(),
            cwd=part.folder,
            environment={**known, **part.environment()},
            user=layout.user,
            fingerprint=_read(part.folder / "queries.yml"),
        )
        for name, part in (
            ("postgres-exporter", parts.postgres_exporter),
            ("redis-exporter", parts.redis_exporter),
        )
        if part is not None
    ]


def _placed(program: Program, placed: Mapping[str, SlotCode]) -> Program:
    """The program out of the release that was placed there, if one was: what is edited in the checkout
    changes nothing for people."""
    code = placed.get(program.name)
    if code is None:
        return program
    is_web = program.name.startswith("web-")
    argv = (
        [*program.argv[:-1], str(code.portal / "start.mjs")]
        if is_web
        else [str(code.python), *program.argv[1:]]
    )
    return replace(
        program,
        argv=argv,
        cwd=code.portal if is_web else code.code,
        environment={**program.environment, **code.variables},
        fingerprint=code.release,
    )


def _worker(layout: Layout, *, ports: Ports, known: Mapping[str, str], code: str) -> Program:
    return Program(
        name="worker",
        argv=[sys.executable, "-m", "hrx.app.worker"],
        cwd=layout.root,
        environment={
            **environment.faults_environment(layout, "worker"),
            **known,
            "HRX_WORKER_PORT": str(ports["worker"]),
        },
        # A running job may finish; what does not is taken up again by the next worker.
        stop_wait_s=30,
        fingerprint=code,
    )


def _api(layout: Layout, slot: str, *, ports: Ports, known: Mapping[str, str], code: str) -> Program:
    return Program(
        name=f"api-{slot}",
        argv=[sys.executable, "-m", "hrx.app.api"],
        cwd=layout.root,
        environment={
            **environment.faults_environment(layout, f"api-{slot}"),
            **known,
            "HRX_SLOT": slot,
            "HRX_API_PORT": str(ports[f"api_{slot}"]),
            "HRX_API_METRICS_PORT": str(ports[f"api_{slot}_metrics"]),
        },
        stop_wait_s=20,
        fingerprint=code,
    )


def _web(layout: Layout, slot: str, *, ports: Ports, built: Path) -> Program:
    node = shutil.which("node")
    if node is None:
        raise Unavailable(
            Text(ja="node が PATH にありません。", en="node is not on the PATH."),
            hint=Text(
                ja="Node.js 20 以上を入れて `make up` を実行してください。",
                en="Install Node.js 20 or newer, then `make up`.",
            ),
            code="web.no_node",
        )
    return Program(
        name=f"web-{slot}",
        # A heap limit, for V8 sizes itself by the machine's memory rather than by what it needs.
        argv=[node, "--max-old-space-size=192", str(built / "start.mjs")],
        cwd=built,
        environment=environment.web_environment(layout, ports=ports, slot=slot),
        fingerprint=built.name,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
