"""A small house for ways back: a supervisor, the product's HAProxy, two slots of small servers, a worker of
the real queue's library, PostgreSQL with two real migrations, and two releases in folders of their own."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import psycopg

from hrx.kit.errors import Unavailable
from hrx.kit.settings import SecretStr, load
from hrx.ops.release.building.building import find_code
from hrx.ops.release.deploying import Place, move_worker
from hrx.ops.release.proofs import ProofShelf, WayDownProof
from hrx.ops.release.releases import Build, Component, Environment, Release, Slot
from hrx.ops.release.shape_reading import read_shape
from hrx.ops.release.shapes import SchemaShape, SchemaUse
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout, find_layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.ports import INNER_DEFAULTS, Ports
from hrx.ops.targets.machine.postgres import PostgresCluster
from hrx.ops.targets.machine.roles import LOGIN_ROLES, create_roles_and_database
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.slot_code import place_code
from hrx.ops.targets.machine.toolchain import Toolchain
from tests.conftest import ROOT, free_port
from tests.ops.machine.edges import make_edge

OLD_JOBS, NEW_JOBS = ("import_people",), ("import_people", "greet")
_DIGEST = "d" * 64
_SLOTS = ("api-blue", "api-green", "web-blue", "web-green")
_SERVER = '''"""A small stand-in of a slot: ready, alive, and of a version."""
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps({"status": "ready", "version": "1", "commit": os.environ["HRX_COMMIT"],
                           "slot": os.environ["HRX_SLOT"]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        return

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
'''
_WORKER = '''"""A worker of the queue's own library that knows these kinds; another kind fails there."""
import asyncio, os
import procrastinate

app = procrastinate.App(connector=procrastinate.PsycopgConnector(
    conninfo=os.environ["QUEUE_URL"], kwargs={{"options": "-c search_path=jobs"}}))

class jobs:
    @staticmethod
    def task(name):
        return lambda function: app.task(name=name, retry=True)(function)

{tasks}
async def main():
    async with app.open_async():
        await app.run_worker_async(concurrency=2, fetch_job_polling_interval=0.2, delete_jobs="never",
                                   shutdown_graceful_timeout=2)

asyncio.run(main())
'''
_TASK = """@jobs.task("{name}")
async def {name}(**_):
    # Nobody can finish while this is there: a job that outlasts the patience of a way back.
    while os.path.exists(os.environ["BLOCK"] + "-{name}"):
        await asyncio.sleep(0.05)

"""
_REVISION = '''"""{title}"""
from alembic import op
revision = "{id}"
down_revision = {below!r}
branch_labels = None
depends_on = None
declares_loss = {loss!r}
def upgrade():
    op.execute({up!r})
def downgrade():
    op.execute({down!r})
'''
_FIRST = """
CREATE SCHEMA app;
CREATE TABLE app.person (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, kana text
);
GRANT USAGE ON SCHEMA app TO hrx_ops;
GRANT USAGE ON SCHEMA public TO hrx_ops;
GRANT SELECT ON public.schema_revision TO hrx_ops;
"""
#: What the newer release brings: a column that older code can leave alone, or one that it cannot.
EXPAND = "ALTER TABLE app.person ADD COLUMN nickname text;"
DEMAND = "ALTER TABLE app.person ADD COLUMN nickname text NOT NULL;"
_BACK = "ALTER TABLE app.person DROP COLUMN nickname;"
_SUPERVISOR = """
[unix_http_server]
file={socket}
[supervisord]
logfile={var}/log/supervisord.log
pidfile={var}/run/supervisord.pid
nodaemon=true
silent=true
user={user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[program:haproxy]
command={haproxy}
environment={haproxy_environment}
autostart=true
autorestart=true
startsecs=0
stdout_logfile={var}/log/haproxy.log
redirect_stderr=true
"""
_PROGRAM = """
[program:{name}]
command={command}
directory={var}
environment=HRX_PROGRAM="{name}",HRX_DIGEST="none"
autostart=false
autorestart=true
startsecs=0
stopwaitsecs=10
killasgroup=true
stopasgroup=true
redirect_stderr=true
stdout_logfile={var}/log/{name}.log
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The house with r1 warm in blue and r2 live in green."""

    layout: Layout
    ports: Ports
    owner_url: str
    settings: OpsSettings
    environment: dict[str, str]

    @property
    def place(self) -> Place:
        return Place(layout=self.layout, settings=self.settings)

    def served(self) -> dict[str, str]:
        """What people are answered by."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.ports.edge, timeout=10)) as connection:
            connection.request("GET", "/version", headers={"Accept": "application/json"})
            answer = connection.getresponse()
            found = answer.read()
            return dict(json.loads(found)) if answer.status == 200 else {"status": str(answer.status)}

    def run_sql(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.owner_url, autocommit=True, options="-c search_path=jobs,app") as session:
            cursor = session.execute(statement.encode(), values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def enqueue(self, kind: str, count: int = 1) -> None:
        for _ in range(count):
            self.run_sql(
                "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('default', %(kind)s)",
                kind=kind,
            )

    def count_jobs(self) -> dict[tuple[str, str], int]:
        """By kind and state; a kept one is `kept`."""
        rows = self.run_sql(
            "SELECT task_name, CASE WHEN queue_name LIKE 'kept:%' THEN 'kept' ELSE status::text END, "
            "count(*) FROM procrastinate_jobs GROUP BY 1, 2"
        )
        return {(str(kind), str(state)): int(str(count)) for kind, state, count in rows}

    def block(self, kind: str, *, is_blocked: bool) -> None:
        """Let jobs of a kind never end, or end."""
        flag = self.layout.var / f"block-{kind}"
        if is_blocked:
            flag.touch()
        else:
            flag.unlink(missing_ok=True)

    def revision(self) -> str:
        return str(self.run_sql("SELECT version_num FROM public.schema_revision")[0][0])

    def state(self, part: str) -> str:
        return self.place.supervisor.get_part(part).state.value


#: Gives what each release has besides, by its number; the schema stands at the older one's revision.
Furnish = Callable[[House], Mapping[int, Mapping[Component, Build]]]


@contextmanager
def open_house(
    var: Path, tools: Toolchain, *, up: str, is_warm: bool = True, furnish: Furnish | None = None
) -> Iterator[House]:
    """`up`: the newer release's migration. `HRX_VAR_DIR` must name `var` already."""
    layout = find_layout(load(MachineSettings))
    assert layout.var == var
    layout.make_folders()
    ports = Ports(edge=free_port(), ops=free_port(), inner={name: free_port() for name in INNER_DEFAULTS})
    passwords = {role: secrets.token_hex(8) for role in (*LOGIN_ROLES, "hrx_admin")}
    sockets = layout.var / "pg"
    sockets.mkdir()
    if layout.user:
        shutil.chown(sockets, layout.user)
    cluster = PostgresCluster(
        data_dir=layout.postgres_data, port=ports["postgres"], socket_dir=sockets, run_as=layout.user
    )
    _keep(layout, ports, passwords)
    cluster.init(passwords["hrx_admin"])
    with (cluster.data_dir / "postgresql.auto.conf").open("a") as config:
        config.write("fsync = off\nsynchronous_commit = off\n")
    cluster.start(timeout_s=120)
    process: subprocess.Popen[bytes] | None = None
    try:
        create_roles_and_database(
            cluster.url("hrx_admin", passwords["hrx_admin"], "postgres"), passwords, database="hrx"
        )
        house = _furnish(layout, ports, tools, up=up, furnish=furnish)
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c",
             str(layout.run / "supervisord.conf")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _wait(lambda: house.place.supervisor.is_answering(), "the supervisor")
        _move_in(house, is_warm=is_warm)
        yield house
    finally:
        if process is not None:
            process.terminate()
            process.wait(timeout=60)
        cluster.stop(mode="immediate")


def _keep(layout: Layout, ports: Ports, passwords: dict[str, str]) -> None:
    layout.ports_file.write_text(json.dumps(dict(ports.inner)))
    lines = [
        f"HRX_POSTGRES_{role.removeprefix('hrx_').upper()}_PASSWORD={value}\n"
        for role, value in passwords.items()
    ]
    layout.secrets_file.touch(mode=0o600)
    layout.secrets_file.write_text("".join(lines))


def _furnish(layout: Layout, ports: Ports, tools: Toolchain, *, up: str, furnish: Furnish | None) -> House:
    machine = Machine(layout)
    owner_url, ops_url = machine.database_url("hrx_owner"), machine.database_url("hrx_ops")
    edge = make_edge(layout, ports, tools)
    edge.prepare()
    _write_programs(layout, ports, edge.argv(), edge.tool.environment(), owner_url=owner_url)
    given = {
        "HRX_VAR_DIR": str(layout.var),
        "HRX_LEDGER_URL": f"sqlite:///{layout.var / 'ledger.sqlite3'}",
        "HRX_OPS_DATABASE_URL": ops_url,
        "HRX_EDGE_URL": f"http://127.0.0.1:{ports.edge}",
        "HRX_LANGUAGE": "en",
        "HRX_LOOK_TIMEOUT_S": "5",
        "HRX_RUNBOOK_DIR": str(layout.var / "runbook"),
    }
    shutil.copytree(ROOT / "runbook", layout.var / "runbook")
    settings = OpsSettings(
        var_dir=layout.var,
        runbook_dir=layout.var / "runbook",
        ledger_url=SecretStr(given["HRX_LEDGER_URL"]),
        language="en",
        edge_url=given["HRX_EDGE_URL"],
        ops_database_url=SecretStr(ops_url),
        look_timeout_s=5,
    )
    house = House(layout=layout, ports=ports, owner_url=owner_url, settings=settings, environment=given)
    _release(house, up=up, furnish=furnish)
    return house


def _write_programs(
    layout: Layout, ports: Ports, haproxy: list[str], environment: dict[str, str], *, owner_url: str
) -> None:
    text = _SUPERVISOR.format(
        socket=layout.supervisor_socket, var=layout.var, user=_me(), haproxy=shlex.join(haproxy),
        haproxy_environment=",".join(f'{name}="{value}"' for name, value in environment.items()) or 'A="1"',
    )  # fmt: skip
    (layout.run / "env").mkdir(exist_ok=True)
    for name in (*_SLOTS, "worker"):
        file = layout.run / "env" / f"{name}.env"
        service, _, slot = name.partition("-")
        values = {"HRX_SLOT": slot or "none", "PATH": os.environ["PATH"]}
        values |= (
            {"QUEUE_URL": owner_url, "BLOCK": str(layout.var / "block")}
            if name == "worker"
            else {"PORT": str(ports[f"{service}_{slot}"])}
        )
        file.write_text("".join(f"{key}={shlex.quote(value)}\n" for key, value in values.items()))
        start = [str(ROOT / "deploy" / "with-env"), str(file)]
        start += [sys.executable, "start.mjs"] if service == "web" else [sys.executable, "-m", "nothing"]
        text += _PROGRAM.format(name=name, command=shlex.join(start), var=layout.var)
    (layout.run / "supervisord.conf").write_text(text)


def _release(house: House, *, up: str, furnish: Furnish | None) -> None:
    """Both releases built and recorded, the schema at the newer one's revision."""
    shapes: list[SchemaShape] = []
    more: Mapping[int, Mapping[Component, Build]] = {}
    python = house.place.store.folder / "_environments" / _DIGEST[:16] / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    for number, jobs in enumerate((OLD_JOBS, NEW_JOBS), start=1):
        home = house.place.store.folder / f"r{number}"
        _build(home, number, jobs=jobs, up=up)
        url = house.owner_url.replace("ql://", "ql+psycopg://", 1)
        done = subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", f"{number:04}"], cwd=home / "code",
            env={**os.environ, "HRX_OWNER_DATABASE_URL": url},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        shapes.append(read_shape(house.owner_url))
        more = furnish(house) if furnish is not None and number == 1 else more
        made = _manifest(number, shapes[-1], jobs=jobs)
        house.place.store.add(replace(made, components={**made.components, **more.get(number, {})}))
    ProofShelf(house.place.store.folder).keep_way_down(WayDownProof(revision="0002"))


def _build(home: Path, number: int, *, jobs: tuple[str, ...], up: str) -> None:
    app = home / "code" / "src" / "hrx" / "app"
    app.mkdir(parents=True)
    for folder in (app.parent, app):
        (folder / "__init__.py").touch()
    (app / "api.py").write_text(_SERVER)
    (app / "worker.py").write_text(_WORKER.format(tasks="".join(_TASK.format(name=one) for one in jobs)))
    (home / "portal" / ".next").mkdir(parents=True)
    (home / "portal" / ".next" / "BUILD_ID").write_text(f"build-{number}")
    (home / "portal" / "start.mjs").write_text(_SERVER)
    versions = home / "code" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (home / "code" / "alembic.ini").write_text((ROOT / "alembic.ini").read_text())
    (versions.parent / "env.py").write_text((ROOT / "migrations" / "env.py").read_text())
    queue = (resources.files("procrastinate.sql") / "schema.sql").read_text(encoding="utf-8")
    first = f"{_FIRST}CREATE SCHEMA jobs; SET search_path = jobs;\n{queue}\nRESET search_path;"
    for revision in range(1, number + 1):
        text = _REVISION.format(
            title=f"Change {revision}.",
            id=f"{revision:04}",
            below=f"{revision - 1:04}" if revision > 1 else None,
            loss=("app.person.nickname",) if revision > 1 else (),
            up=up if revision > 1 else first,
            down=_BACK if revision > 1 else "DROP SCHEMA app CASCADE; DROP SCHEMA jobs CASCADE;",
        )
        (versions / f"{revision:04}_test.py").write_text(text)


def _manifest(number: int, shape: SchemaShape, *, jobs: tuple[str, ...]) -> Release:
    columns = frozenset(
        f"app.person.{name}" for name in ("name", "kana", *(["nickname"] if number > 1 else []))
    )
    return Release(
        id=f"r{number}",
        version=f"1.{number}.0",
        commit=f"{number}" * 40,
        built_at=datetime(2026, 11, 20 + number, tzinfo=UTC),
        components={
            Component.WEB: Build(version=f"web-{number}", needs=frozenset()),
            Component.API: Build(
                version=f"api-{number}", needs=frozenset(), offers=frozenset(),
                parts={"requirements": _DIGEST},
            ),
            Component.SCHEMA: Build(version=f"{number:04}"),
        },
        use=SchemaUse(
            reads=columns,
            writes=columns,
            inserts={"app.person": columns},
            tables=frozenset({"app.person"}),
        ),
        shape=shape,
        handles=frozenset(jobs),
    )  # fmt: skip


def _move_in(house: House, *, is_warm: bool) -> None:
    place = house.place
    for number, slot in ((1, Slot.BLUE), (2, Slot.GREEN)):
        release = place.store.get(f"r{number}")
        place.store.place(Environment.DEVELOPMENT, slot, release.id, weight=100, by="test", expected=None)
        for service in ("api", "web"):
            place_code(place.layout, place.supervisor, f"{service}-{slot}", find_code(place.store, release))
            if is_warm or slot is Slot.GREEN:
                place.supervisor.start(f"{service}-{slot}", timeout_s=60)
    place.store.place(Environment.DEVELOPMENT, Slot.BLUE, "r1", weight=0, by="test", expected="r1")
    machine = Machine(house.layout)
    _wait(lambda: machine.send_to_edge("show info") != "", "the edge")
    for service in ("api", "web"):
        machine.switch_to(f"{service}-green", timeout_s=60)
    move_worker(place, Slot.GREEN)
    _wait(lambda: house.served().get("slot") == "green", "the edge")


def _wait(is_so: object, what: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if callable(is_so) and is_so():
                return
        except (OSError, http.client.HTTPException, ValueError, Unavailable):
            pass
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come")


def _me() -> str:
    import getpass

    return getpass.getuser()
