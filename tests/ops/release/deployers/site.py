"""A whole place in small: a real supervisord, a real HAProxy, two slots of two services and a worker, whose
programs come out of release folders and say which release they are of."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from hrx.ops.ledger.entries import Ledger, open_ledger
from hrx.ops.release.building.building import CODE, PORTAL, REQUIREMENTS, find_code
from hrx.ops.release.deploying import Place, alone, fill_first, settle
from hrx.ops.release.gating.judging import Reason, Verdict
from hrx.ops.release.gating.policy import Policy
from hrx.ops.release.releases import Build, Component, Release, Slot
from hrx.ops.release.store import ReleaseStore
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.rollout import Rollout, Strategy
from hrx.ops.release.strategies.running import begin, decide, run
from hrx.ops.release.strategies.storing import RolloutStore, rollout_folder
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.environment import checkout
from hrx.ops.targets.machine.haproxy import Edge
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.ports import INNER_DEFAULTS, Ports
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.shares import MachineEdge
from hrx.ops.targets.machine.slot_code import place_code, read_slot_code
from hrx.ops.targets.machine.slots import MachineSlots
from hrx.ops.targets.machine.supervisor import Supervisor
from hrx.ops.targets.machine.supervisor_config import Program, write_config
from hrx.ops.targets.machine.toolchain import find_tools
from tests.conftest import free_port
from tests.ops.machine.conftest import _layout
from tests.ops.machine.edges import make_edge
from tests.ops.release.shop import make_release

SERVICES = ("api", "web")
SLOTTED = [f"{service}-{slot}" for slot in Slot for service in SERVICES]
WITHIN_S = 90.0
#: A healthy version is believed after some 30 requests.
QUICK = Policy(
    tolerated_errors=0.1,
    tolerated_slow=0.6,
    observe_at_least_s=0.3,
    requests_at_least=10,
    ready_within_s=60,
    decide_within_s=20,
    slow_floor_ms=3000,
)
API = """
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        body = json.dumps({"commit": os.environ["HRX_COMMIT"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(os.environ["HRX_API_PORT"])), Handler).serve_forever()
"""
_WORKER = "import time\nwhile True:\n    time.sleep(60)\n"
_PORTAL = """
import http from "node:http";
const body = JSON.stringify({ commit: process.env.HRX_COMMIT });
http.createServer((_, answer) => answer.end(body)).listen(Number(process.env.HRX_WEB_PORT), "127.0.0.1");
"""


@dataclass
class Site:
    """The place, and what may be asked of it from outside."""

    layout: Layout
    ports: Ports
    edge: Edge
    settings: OpsSettings
    ledger: Ledger
    answers: Counter[str] = field(default_factory=Counter)
    number: int = 0
    _daemon: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> Place:
        return Place(layout=self.layout, settings=self.settings)

    @property
    def rollouts(self) -> RolloutStore:
        return RolloutStore(rollout_folder(self.settings.var_dir))

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.layout.supervisor_socket)

    @property
    def hands(self) -> MachineSlots:
        machine = Machine(self.layout)
        door = MachineEdge(send=machine.send_to_edge, folder=self.layout.run / "edge")
        return MachineSlots(edge=door, parts=machine, ports=dict(self.ports.inner))

    def make_next(self) -> Release:
        """One more release, with its own folder of code and portal; the live one has a past by then."""
        if self.number:
            self.be_known()
        self.number += 1
        made = make_release(
            self.number,
            "0008",
            uses=("id", "name"),
            # No database stands here in which jobs could be kept.
            jobs=(),
            versions={Component.API: Build(version=f"api-{self.number}", parts={REQUIREMENTS: "one"})},
        )
        return keep_built(self.place.store, made)

    def be_known(self) -> None:
        """The gate holds a new version against what the old one did: it did enough."""

        def is_known() -> bool:
            edge = self.hands.edge
            return all(edge.look(one)[edge.kept(one)].answered > 300 for one in SERVICES)

        wait_for(is_known, "the live version has answered often enough")

    def start(self) -> None:
        """The supervisor, the edge and the first release."""
        self.edge.prepare()
        programs = [self._program(part) for part in SLOTTED]
        programs.append(
            Program(name="worker", argv=[sys.executable, "-m", "hrx.app.worker"], cwd=self.layout.run)
        )
        programs.append(
            Program(
                name="haproxy",
                argv=self.edge.argv(),
                cwd=self.layout.run,
                environment={**os.environ, **self.edge.tool.environment()},
            )
        )
        write_config(self.layout, programs)
        self.start_supervisor()
        first = self.make_next()
        code = find_code(self.place.store, first)
        for part in ("api-blue", "web-blue", "worker"):
            place_code(self.layout, self.supervisor, part, code)
        self.place.store.place(
            self.place.environment, Slot.BLUE, first.id, weight=100, by="test", expected=None
        )
        self.start_parts()

    def start_supervisor(self) -> None:
        config = str(self.layout.run / "supervisord.conf")
        argv = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-n", "-c", config]
        self._daemon = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.supervisor.is_answering, "supervisord answers")

    def start_parts(self) -> None:
        """The edge, the worker, and whichever slots people are on."""
        for part in ("haproxy", "worker", *(f"{one}-{self.hands.edge.kept(one)}" for one in SERVICES)):
            self.supervisor.start(part, timeout_s=WITHIN_S)
        wait_for(lambda: all(self.ask(one) for one in SERVICES), "people are answered")

    def kill_supervisor(self) -> None:
        assert self._daemon is not None
        self._daemon.kill()
        self._daemon.wait(timeout=10)

    def stop(self) -> None:
        """Everything of it, orphans included."""
        if self._daemon is not None:
            self.kill_supervisor()
        self.kill_orphans()

    def kill_orphans(self) -> None:
        for one in psutil.process_iter():
            with suppress(psutil.Error):
                said = " ".join([*one.cmdline(), one.environ().get("HRX_SITE", "")])
                if str(self.layout.var.parent) in said and one.pid != os.getpid():
                    one.kill()
                    one.wait(10)

    def ask(self, service: str) -> str | None:
        """The commit of the version that answers people; None when none does."""
        path = "/api/v1/me" if service == "api" else "/people"
        asked = http.client.HTTPConnection("127.0.0.1", self.ports.edge, timeout=10)
        with suppress(OSError, http.client.HTTPException, ValueError), closing(asked) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            return str(json.loads(body)["commit"]) if answer.status == 200 else None
        return None

    @contextmanager
    def visited(self) -> Iterator[None]:
        """People ask both services all the time; `answers` counts what they got."""
        ended = threading.Event()

        def visit() -> None:
            while not ended.wait(0.02):
                for service in SERVICES:
                    self.answers[self.ask(service) or "lost"] += 1

        people = [threading.Thread(target=visit, daemon=True) for _ in range(3)]
        for one in people:
            one.start()
        try:
            yield
        finally:
            ended.set()
            for one in people:
                one.join(timeout=30)

    def deploy(self, release: Release) -> Progress:
        """What `hrx release deploy` does after the schema, and does again after a death."""
        place, store = self.place, self.rollouts
        with alone(self.ledger, by="sato", reason=release.id):
            former = store.find()
            if former is None or former.stand.is_over:
                new = Slot.GREEN if self.hands.edge.kept("api") == Slot.BLUE else Slot.BLUE
                begin(store, self.hands, self.make_rollout(release, new))
        with alone(self.ledger, by="sato", reason=release.id):
            fill_first(place, store.get(), by="sato")
        done = run(store, self.hands)
        if self.is_promoted_by_hand():
            done = run(store, self.hands)
        with alone(self.ledger, by="sato", reason=release.id, wait_s=60):
            settle(place, done, by="sato")
        return done

    def is_promoted_by_hand(self) -> bool:
        """With too little to compare (an edge that died took the counts along, a machine had no time) a
        person says that it is well."""
        asked = self.rollouts.get()
        if (asked.stand, asked.reason) != (Stand.ASKING, Reason.TOO_LITTLE_TRAFFIC):
            return False
        decide(self.rollouts, Verdict.PROMOTE)
        return True

    @staticmethod
    def make_rollout(release: Release, new: Slot) -> Rollout:
        return Rollout(
            id=f"{release.id}-{time.monotonic_ns()}",
            release_id=release.id,
            strategy=Strategy.BLUE_GREEN,
            new=new,
            policy=QUICK,
            drain_within_s=1,
            fills=True,
        )

    def pid_of(self, part: str) -> int:
        found = self.supervisor.get_part(part).pid
        assert found is not None, part
        return found

    def list_disagreements(self, release: Release) -> list[str]:
        """Everything that does not say that people are on this release: empty when nothing is half-way."""
        wanted, found = release.commit[:12], []
        looks = {service: self.hands.edge.look(service) for service in SERVICES}
        live = {service: self.hands.edge.kept(service) for service in SERVICES}
        for service in SERVICES:
            if (seen := self.ask(service)) != wanted:
                found.append(f"{service} answers as {seen}")
            taking = {slot: one.weight for slot, one in looks[service].items() if one.is_taking}
            if taking != {live[service]: 100}:
                found.append(f"{service}: {live[service]} is kept, the edge gives to {taking}")
            placed = read_slot_code(self.layout.run).get(f"{service}-{live[service]}")
            if placed is None or placed.release != release.id:
                found.append(f"{service}-{live[service]} is on record as {placed}")
        if len(set(live.values())) != 1:
            found.append(f"the services are on {live}")
        if (standing := self.place.store.look(self.place.environment).live) != release.id:
            found.append(f"{standing} is placed as live")
        worker = read_slot_code(self.layout.run).get("worker")
        if worker is None or worker.release != release.id:
            found.append(f"the worker is on record as {worker}")
        with suppress(psutil.Error, AssertionError):
            if psutil.Process(self.pid_of("worker")).environ().get("HRX_COMMIT") == wanted:
                return found
        return [*found, "the worker that runs is another"]

    def _program(self, part: str) -> Program:
        service, _, slot = part.partition("-")
        port = str(self.ports[f"{service}_{slot}"])
        known = {
            "PATH": os.environ["PATH"],
            f"HRX_{service.upper()}_PORT": port,
            "HRX_SITE": str(self.layout.var),
        }
        argv = (
            ["/usr/bin/env", "node", "start.mjs"]
            if service == "web"
            else [sys.executable, "-m", "hrx.app.api"]
        )
        return Program(name=part, argv=argv, cwd=self.layout.run, environment=known)


@contextmanager
def running_site() -> Iterator[Site]:
    """Up, on its first release; in a folder that the service user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="hrx-d-"))
    folder.chmod(0o755)
    layout = _layout(folder / "var")
    layout.make_folders()
    ports = Ports(edge=free_port(), ops=free_port(), inner={name: free_port() for name in INNER_DEFAULTS})
    layout.ports_file.write_text(json.dumps(dict(ports.inner)))
    edge = make_edge(layout, ports, find_tools(_layout(checkout() / "var"), MachineSettings()))
    ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite3'}")
    settings = OpsSettings(var_dir=layout.var)
    made = Site(layout=layout, ports=ports, edge=edge, settings=settings, ledger=ledger)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        ledger.store.close()
        shutil.rmtree(folder, ignore_errors=True)


def keep_built(store: ReleaseStore, made: Release, *, api: str = API) -> Release:
    """The release on record, with programs that say which release they are of."""
    code, portal = store.folder / made.id / CODE, store.folder / made.id / PORTAL
    application = code / "src" / "hrx" / "app"
    application.mkdir(parents=True)
    for folder in (application.parent, application):
        (folder / "__init__.py").touch()
    (application / "api.py").write_text(api)
    (application / "worker.py").write_text(_WORKER)
    (portal / ".next" / "static").mkdir(parents=True)
    (portal / ".next" / "BUILD_ID").write_text(f"build-{made.id}")
    (portal / "start.mjs").write_text(_PORTAL)
    python = find_code(store, made).python
    if not python.exists():
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
    return store.add(made)


def wait_for(holds: object, what: str, *, within_s: float = WITHIN_S) -> None:
    assert callable(holds)
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.1)


def kill_when_written(victim: int | None, name: str, *, time_of: int) -> None:
    """Kill -9 the victim (None: this very process) just before the file of this name is put in place for the
    so manyth time."""
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event == "os.rename" and Path(os.fsdecode(arguments[1])).name == name:  # type: ignore[arg-type]
            seen += 1
            if seen == time_of:
                os.kill(victim or os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def in_child(do: object) -> int:
    """Do it in a process of its own; gives its exit code, negative when it was killed."""
    assert callable(do)
    child = os.fork()
    if not child:
        code = 1
        with suppress(BaseException):
            do()
            code = 0
        os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
