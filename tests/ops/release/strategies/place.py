"""Small servers with a mood, a supervisor for them, an edge that can be killed, and people who ask."""

from __future__ import annotations

import http.client
import os
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

from hrx.kit.errors import Text, Unavailable
from hrx.ops.release.strategies.storing import RolloutStore
from hrx.ops.targets.machine.haproxy import Edge
from hrx.ops.targets.machine.shares import MachineEdge

_HEALTH = ("/livez", "/readyz", "/web/livez", "/web/readyz")


@dataclass
class Mood:
    """How a slot behaves: the ratio of 500s, seconds to answer, whether it can be started and gets ready."""

    bad: float = 0.0
    takes_s: float = 0.0
    starts: bool = True
    is_ready: bool = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    mood: Mood

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are part of every test here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = cast("_Server", self.server)
        mood, is_health = server.mood, self.path in _HEALTH
        if not is_health and mood.takes_s:
            time.sleep(mood.takes_s)
        is_bad = not mood.is_ready if is_health else random.random() < mood.bad  # noqa: S311
        body = server.server_name.encode()
        self.send_response(500 if is_bad else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


class Slots:
    """Implements `strategies.hands.Hands` with servers in threads."""

    def __init__(self, *, edge: MachineEdge, ports: dict[str, int]) -> None:
        self.edge = edge
        self._ports = ports
        self.moods = {name.replace("_", "-"): Mood() for name in ports}
        self._running: dict[str, _Server] = {}

    def wake(self, service: str, slot: str) -> None:
        name = f"{service}-{slot}"
        if name in self._running:
            return
        if not self.moods[name].starts:
            raise Unavailable(Text(ja="起動できません", en="it does not start"))
        server = _Server(("127.0.0.1", self._ports[f"{service}_{slot}"]), _Handler)
        server.server_name, server.mood = name, self.moods[name]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self._running[name] = server

    def stop(self, service: str, slot: str) -> None:
        self.end(service, slot)

    def is_running(self, service: str, slot: str) -> bool:
        return f"{service}-{slot}" in self._running

    def end(self, service: str, slot: str) -> None:
        server = self._running.pop(f"{service}-{slot}", None)
        if server is not None:
            server.shutdown()
            server.server_close()

    def end_all(self) -> None:
        for name in list(self._running):
            self.end(*name.split("-"))

    def is_alive(self, service: str, slot: str) -> bool:
        return self.is_ready(service, slot)

    def is_ready(self, service: str, slot: str) -> bool:
        port = self._ports[f"{service}_{slot}"]
        with suppress(OSError), closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as asked:
            asked.request("GET", "/readyz")
            answer = asked.getresponse()
            answer.read()
            return answer.status == 200
        return False


@dataclass
class Place:
    """The edge, the slots behind it, and the record of rollouts."""

    edge: Edge
    slots: Slots
    store: RolloutStore
    var: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        for service in ("api", "web"):
            self.slots.wake(service, "blue")
        self.start_edge()

    def start_edge(self) -> None:
        self.process = subprocess.Popen(
            self.edge.argv(),
            env={**os.environ, **self.edge.tool.environment()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while self.ask("/api/v1/me") is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def kill_edge(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=10)

    def stop(self) -> None:
        if self.process is not None:
            self.kill_edge()
        self.slots.end_all()

    def ask(self, path: str, *, cookie: str | None = None) -> str | None:
        """The server that answered well; None when none did."""
        with suppress(OSError, http.client.HTTPException), closing(self._connect()) as connection:
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            body = answer.read().decode()
            return body if answer.status == 200 else None
        return None

    def cookie_of(self, path: str) -> str:
        """What a browser is given with this page."""
        with closing(self._connect()) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return str(answer.getheader("Set-Cookie")).split(";")[0]

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.edge.ports.edge, timeout=10)

    def shares(self, path: str, *, requests: int = 200) -> Counter[str | None]:
        return Counter(self.ask(path) for _ in range(requests))

    def be_known(self) -> None:
        """The old version has a past: enough answers to compare with."""
        for path in ("/api/v1/me", "/people"):
            self.shares(path, requests=220)

    @contextmanager
    def asked_by(self, clients: int) -> Iterator[Counter[str | None]]:
        """So many clients ask the API side by side, each 20 ms after its last answer."""
        got: Counter[str | None] = Counter()
        ended = threading.Event()

        def ask_again() -> None:
            while not ended.is_set():
                got[self.ask("/api/v1/me")] += 1
                time.sleep(0.02)

        threads = [threading.Thread(target=ask_again, daemon=True) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield got
        finally:
            ended.set()
            for thread in threads:
                thread.join(timeout=1)

    @contextmanager
    def visited(self, *, per_s: float = 100) -> Iterator[Counter[str | None]]:
        """People ask both services as often as that; what they got is counted, None for an error."""
        got: Counter[str | None] = Counter()
        ended = threading.Event()

        def visit() -> None:
            at = time.monotonic()
            number = 0
            while not ended.is_set():
                got[self.ask("/api/v1/me" if number % 2 else "/people")] += 1
                number += 1
                at += 1 / per_s
                time.sleep(max(0.0, at - time.monotonic()))

        people = threading.Thread(target=visit, daemon=True)
        people.start()
        try:
            yield got
        finally:
            ended.set()
            people.join(timeout=15)
