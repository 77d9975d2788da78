"""How fast a storm of alerts is taken in: over HTTP as Alertmanager sends it, and by the intake alone."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn

from benchmarks.figures import Figure, Section
from hrx.kit.settings import SecretStr
from hrx.ops.console.app import build_console
from hrx.ops.console.duties import make_watcher
from hrx.ops.ledger.incidents import list_unresolved
from hrx.ops.ledger.signals import count_signals
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.settings import OpsSettings

_BODIES: Final = 10
_PER_BODY: Final = 1000
_TOKEN: Final = "token-of-the-benchmark"


def measure_signals() -> Section:
    """A storm of 10,000 alerts of 20 rules in bodies of 1,000, and the same again, as repeats come."""
    with tempfile.TemporaryDirectory() as folder, _plane(Path(folder)) as plane, _serving(plane) as address:
        headers = {"Authorization": f"Bearer {_TOKEN}"}
        with httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=60) as client:
            first_s, repeated_s = _send(client), _send(client)
        with plane.ledger.store.read() as connection:
            incidents = [found for found in list_unresolved(connection) if found.body.get("is_storm")]
        rows = sum(count_signals(plane.ledger.store, incident_id=incidents[0].id).values())
    total = _BODIES * _PER_BODY
    return Section(
        name="Signals",
        notes=(
            f"{total:,} alerts of 20 rules in bodies of {_PER_BODY:,}, one sender, answered when durable",
        ),
        figures=[
            Figure(what="taken in", value=total / sum(first_s), unit="signals/s", raw={"bodies_s": first_s}),
            Figure(what="slowest body", value=max(first_s) * 1000, unit="ms"),
            Figure(what="the same repeated", value=total / sum(repeated_s), unit="signals/s"),
            Figure(what="incidents", value=len(incidents), unit=""),
            Figure(what="rows of that incident", value=rows, unit="signals"),
        ],
    )


def _send(client: httpx.Client) -> list[float]:
    """Every body once; seconds until each was answered."""
    taken = []
    for number in range(_BODIES):
        content = _body(number)
        started = time.perf_counter()
        answer = client.post("/hooks/alertmanager", json=content)
        taken.append(time.perf_counter() - started)
        assert answer.status_code == 200, answer.text
    return taken


# `Any`: JSON.
def _body(number: int) -> dict[str, Any]:
    alerts = [
        {
            "status": "firing",
            "fingerprint": f"{number:04x}{index:04x}",
            "labels": {
                "alertname": f"Rule{index % 20}",
                "severity": "warning",
                "route": f"/{number}/{index}",
            },
            "annotations": {"summary": f"Route {index} of {number} is slow"},
            "startsAt": "2026-11-24T01:00:00Z",
        }
        for index in range(_PER_BODY)
    ]
    return {"version": "4", "alerts": alerts}


@contextmanager
def _plane(folder: Path) -> Iterator[Plane]:
    settings = OpsSettings(
        var_dir=folder,
        ledger_url=SecretStr(f"sqlite:///{folder / 'ledger.sqlite3'}"),
        ops_hook_token=SecretStr(_TOKEN),
        look_interval_s=60,
    )
    with opened_plane(settings) as opened:
        yield opened


@contextmanager
def _serving(plane: Plane) -> Iterator[str]:
    app = build_console(plane, make_watcher(plane))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
