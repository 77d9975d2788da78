"""What metrics, access log and traces cost, on the page where they weigh most: one that the cache answers."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import Final

from benchmarks.crowds import make_crowd
from benchmarks.figures import TELEMETRY_COST, Figure, Section, ratio_of_rounds
from benchmarks.load import Load, Target, measure
from benchmarks.servers import ROOT, House, Server, free_port, running_api

_PEOPLE: Final = 10_000
_ROUNDS: Final = 9
_CONNECTIONS: Final = 8
_PATH: Final = "/api/v1/people?limit=50"
#: Takes spans and forgets them; a process of its own, as a collector is.
_RECEIVER: Final = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


async def measure_telemetry(house: House, *, seconds: float) -> Section:
    """Off, as the stack ships it (metrics, access log), and with traces of a tenth of the requests too."""
    crowd = await make_crowd(house, people=_PEOPLE)
    headers = tuple(crowd.hr.headers.items())
    with ExitStack() as stack:
        endpoint = stack.enter_context(_running_receiver())
        servers = {
            "off": stack.enter_context(
                running_api(house, name="off", HRX_ACCESS_LOG="false", HRX_HTTP_METRICS="false")
            ),
            "shipped": stack.enter_context(running_api(house, name="shipped")),
            "traced": stack.enter_context(running_api(house, name="traced", HRX_OTLP_ENDPOINT=endpoint)),
        }
        runs: dict[str, list[Load]] = {name: [] for name in servers}
        cpu_ms: dict[str, list[float]] = {name: [] for name in servers}
        for server in servers.values():
            await _load(server, headers, seconds=1.0)
        for _ in range(_ROUNDS):
            for name, server in servers.items():
                before_s = server.cpu_s()
                load = await _load(server, headers, seconds=seconds)
                runs[name].append(load)
                cpu_ms[name].append((server.cpu_s() - before_s) * 1000 / load.requests)
    return _tell(runs, cpu_ms)


async def _load(server: Server, headers: tuple[tuple[str, str], ...], *, seconds: float) -> Load:
    target = Target(port=server.port, paths=(_PATH,), headers=headers)
    load = await measure(target, connections=_CONNECTIONS, duration_s=seconds)
    if load.failed:
        raise RuntimeError(f"{load.failed} of {load.requests} requests failed on {server.name}")
    return load


def _tell(runs: dict[str, list[Load]], cpu_ms: dict[str, list[float]]) -> Section:
    section = Section(
        name=f"telemetry: directory, {_PEOPLE:,} people, answered from the cache",
        notes=(
            "shipped: metrics and access log. traced: also spans of 10 % of the requests to a receiver.",
            "Both costs: median of the rounds, each against its neighbour without telemetry.",
            "The receiver runs on the same machine: its CPU is part of what traces lose here.",
        ),
    )
    for name, loads in runs.items():
        section.figures.append(
            Figure(
                what=f"{name}: requests",
                value=statistics.median(load.requests_per_s for load in loads),
                unit="req/s",
                raw={"rounds": [asdict(load) for load in loads], "cpu_ms_per_request": cpu_ms[name]},
            )
        )
        section.figures.append(
            Figure(what=f"{name}: CPU of its process", value=statistics.median(cpu_ms[name]), unit="ms/req")
        )
    for name in ("shipped", "traced"):
        rates = [[load.requests_per_s for load in runs[one]] for one in (name, "off")]
        lost = (1 - ratio_of_rounds(*rates)) * 100
        spent = (ratio_of_rounds(cpu_ms[name], cpu_ms["off"]) - 1) * 100
        for what, cost in (("requests lost", lost), ("more CPU for a request", spent)):
            section.figures.append(Figure(what=f"{name}: {what}", value=cost, unit="%", aim=TELEMETRY_COST))
    return section


@contextmanager
def _running_receiver() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", _RECEIVER, str(port)], cwd=ROOT)
    try:
        yield f"http://127.0.0.1:{port}/v1/traces"
    finally:
        process.kill()
        process.wait(timeout=10)
