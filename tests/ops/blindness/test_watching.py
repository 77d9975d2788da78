"""A real Prometheus on a small exposition: a metric is renamed, an exporter stops, and who is told what."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import cast

import pytest

from hrx.kit import clock
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.signals import find_home, list_firing
from hrx.ops.observe.blindness.hearing import Ear
from hrx.ops.observe.blindness.judging import RuleState
from hrx.ops.observe.blindness.telling import SILENT_KEY
from hrx.ops.observe.blindness.watching import RuleBoard, RuleWatch
from hrx.ops.run.plane import Plane
from hrx.ops.seams.metrics import AlertSeen
from hrx.ops.signal import Signal, SignalState
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.toolchain import find_tools
from hrx.ops.targets.target import PartState, PartStatus, Target
from tests.conftest import ROOT, free_port

pytestmark = [pytest.mark.req("R4.3-1"), pytest.mark.xdist_group("prometheus")]
POSTGRES = (
    "pg_up",
    "pg_stat_activity_count",
    "pg_settings_max_connections",
    "pg_lock_waits_sessions",
    "pg_standby_lag_seconds",
)
_CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s}}
rule_files: ["{rules}/*.yml"]
scrape_configs:
  - job_name: hrx
    file_sd_configs: [{{files: ["{targets}"], refresh_interval: 1s}}]
"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        names = self.server.names  # type: ignore[attr-defined]
        body = "".join(f"# TYPE {name} gauge\n{name} 1\n" for name in names).encode()
        self.send_response(200 if names else 503)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@dataclass
class Exporter:
    """A part that gives a few figures; without any it answers as a dying one does."""

    server: ThreadingHTTPServer

    def give(self, *names: str) -> None:
        self.server.names = names  # type: ignore[attr-defined]


@dataclass
class World:
    """A Prometheus with two parts, and everything that a rule watch told."""

    url: str
    postgres: Exporter
    redis: Exporter
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("prometheus")
    layout = Layout(root=ROOT, var=ROOT / "var", tools=ROOT / "var" / "tools", user=None)
    tool = find_tools(layout, MachineSettings()).found["prometheus"]
    exporters = {part: _serve() for part in ("postgres-exporter", "redis-exporter")}
    targets = [
        {"targets": [f"127.0.0.1:{one.server_address[1]}"], "labels": {"part": part, "job": "hrx"}}
        for part, one in exporters.items()
    ]
    (folder / "targets.json").write_text(json.dumps(targets))
    config = _CONFIG.format(rules=ROOT / "monitoring" / "rules", targets=folder / "targets.json")
    (folder / "prometheus.yml").write_text(config)
    port = free_port()
    process = _start(tool.path, folder, port)
    yield World(
        url=f"http://127.0.0.1:{port}",
        postgres=Exporter(exporters["postgres-exporter"]),
        redis=Exporter(exporters["redis-exporter"]),
        process=process,
    )
    process.kill()
    process.wait(timeout=10)
    for one in exporters.values():
        one.shutdown()
        one.server_close()


def _serve() -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    server.names = ()  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def _start(program: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            str(program),
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Chain:
    """A place where Prometheus and Alertmanager belong to the stack."""

    def list_parts(self) -> list[PartStatus]:
        return [PartStatus(name=name, state=PartState.RUNNING) for name in ("prometheus", "alertmanager")]


@dataclass
class Told:
    """A sink that also takes signals in, as the console's does."""

    plane: Plane
    signals: list[Signal] = field(default_factory=list)

    def __call__(self, signals: object) -> None:
        found = list(cast("list[Signal]", signals))
        self.signals += found
        take_signals(self.plane, found)

    def states(self, key: str) -> list[SignalState]:
        return [one.state for one in self.signals if one.key == key]


@pytest.fixture
def seeing(plane: Plane, world: World) -> Plane:
    """The plane with that Prometheus, telling at once."""
    world.postgres.give(*POSTGRES)
    world.redis.give("redis_up")
    quick = {"prometheus_url": world.url, "rules_blind_grace_s": 0.0, "rules_start_grace_s": 0.0}
    return replace(plane, settings=plane.settings.model_copy(update=quick), target=cast("Target", Chain()))


def until(watch: RuleWatch, holds: Callable[[RuleBoard], bool], *, within_s: float = 15) -> RuleBoard:
    deadline = time.monotonic() + within_s
    while True:
        board = watch.look_once()
        if holds(board):
            return board
        assert time.monotonic() < deadline, [(one.rule.name, one.state, one.reasons) for one in board.sights]
        time.sleep(0.2)


def state(board: RuleBoard, name: str) -> RuleState | None:
    found = board.find(name)
    return found.state if found else None


def is_ok(board: RuleBoard, *names: str) -> bool:
    return all(state(board, name) is RuleState.OK for name in names)


def blind_of_postgres(board: RuleBoard) -> set[str]:
    """Blind for what the exporter of PostgreSQL gives; nothing else of a stack runs here."""
    return {
        one.rule.name
        for one in board.blind
        if any(reason.subject.startswith(("pg_", "postgres-exporter")) for reason in one.reasons)
    }


def test_a_renamed_metric_blinds_exactly_the_rules_that_read_it(seeing: Plane, world: World) -> None:
    told = Told(seeing)
    watch = RuleWatch(seeing, tell=told)
    until(watch, lambda board: not blind_of_postgres(board) and state(board, "DatabaseDown") is RuleState.OK)
    told.signals.clear()
    world.postgres.give(*(name for name in POSTGRES if name != "pg_lock_waits_sessions"), "pg_lock_waiters")
    board = until(watch, lambda board: state(board, "LockWaits") is RuleState.BLIND)
    assert blind_of_postgres(board) == {"LockWaits"}
    assert told.states("rules-blind:pg_lock_waits_sessions") == [SignalState.FIRING]
    world.postgres.give(*POSTGRES)
    until(watch, lambda board: not blind_of_postgres(board))
    assert told.states("rules-blind:pg_lock_waits_sessions") == [SignalState.FIRING, SignalState.RESOLVED]


def test_an_exporter_that_stops_is_one_condition_about_that_part(seeing: Plane, world: World) -> None:
    told = Told(seeing)
    watch = RuleWatch(seeing, tell=told)
    until(watch, lambda board: not blind_of_postgres(board) and is_ok(board, "DatabaseDown", "CacheDown"))
    told.signals.clear()
    world.postgres.give()
    # A scrape of the other part that a busy machine misses blinds it for a moment, too.
    board = until(
        watch,
        lambda board: state(board, "DatabaseDown") is RuleState.BLIND and is_ok(board, "CacheDown"),
    )
    assert blind_of_postgres(board) == {"DatabaseDown", "ConnectionsNearLimit", "LockWaits", "ReplicationLag"}
    about = [one for one in told.signals if one.part == "postgres-exporter"]
    assert [one.key for one in about] == ["rules-blind:postgres-exporter"]
    assert find_home(seeing.ledger.store, "rules-blind:postgres-exporter") is not None


def test_what_the_last_life_told_is_ended_by_the_next(seeing: Plane, world: World) -> None:
    first = RuleWatch(seeing, tell=Told(seeing))
    until(first, lambda board: state(board, "CacheDown") is RuleState.OK)
    world.redis.give()
    until(first, lambda board: state(board, "CacheDown") is RuleState.BLIND)
    world.redis.give("redis_up")
    told = Told(seeing)
    second = RuleWatch(seeing, tell=told)
    until(second, lambda board: state(board, "CacheDown") is RuleState.OK)
    second.look_once()
    assert told.states("rules-blind:redis-exporter")[-1] is SignalState.RESOLVED
    with seeing.ledger.store.read() as connection:
        assert "rules-blind:redis-exporter" not in {one.key for one in list_firing(connection)}


def test_another_cause_waits_a_moment_of_its_own(seeing: Plane, world: World) -> None:
    """A Prometheus that comes back needs some seconds for its first samples; that is no second alarm."""
    told = Told(seeing)
    patient = seeing.settings.model_copy(update={"rules_blind_grace_s": 600.0})
    watch = RuleWatch(replace(seeing, settings=patient), tell=told)
    until(watch, lambda board: state(board, "CacheDown") is RuleState.OK)
    watch._blind = {("CacheDown", "rules-blind:prometheus-silent"): (0.0, datetime(2026, 11, 26, tzinfo=UTC))}
    world.redis.give()
    until(watch, lambda board: state(board, "CacheDown") is RuleState.BLIND)
    assert told.signals == []


def test_a_place_without_prometheus_is_not_told_about_every_rule(plane: Plane) -> None:
    quick = {"rules_blind_grace_s": 0.0, "rules_start_grace_s": 0.0}
    told = Told(plane)
    watch = RuleWatch(replace(plane, settings=plane.settings.model_copy(update=quick)), tell=told)
    assert watch.look_once().count(RuleState.BLIND) > 30
    assert told.signals == []


def test_a_start_and_a_short_restart_are_let_pass(plane: Plane) -> None:
    told = Told(plane)
    watch = RuleWatch(replace(plane, target=cast("Target", Chain())), tell=told)
    watch.look_once()
    assert told.signals == []


@pytest.mark.req("R4.3-2")
def test_a_watchdog_that_is_not_heard_is_told_and_its_return_too(plane: Plane) -> None:
    told = Told(plane)
    place = replace(
        plane,
        target=cast("Target", Chain()),
        settings=plane.settings.model_copy(update={"rules_start_grace_s": 30.0}),
    )
    missing_s = plane.content.watch.routes.missing_after_s
    quiet = RuleWatch(place, tell=told, ear=Ear(began_s=clock.monotonic_s() - missing_s - 20))
    quiet.look_once()
    assert told.states(SILENT_KEY) == [], "a start is no silence"
    ear = Ear(began_s=clock.monotonic_s() - missing_s - 40)
    watch = RuleWatch(place, tell=told, ear=ear)
    assert watch.look_once().is_silent
    assert told.states(SILENT_KEY) == [SignalState.FIRING]
    ear.hear([watchdog(state="resolved"), watchdog(severity="critical")])
    watch.look_once()
    assert told.states(SILENT_KEY) == [SignalState.FIRING], "only the watchdog itself ends it"
    ear.hear([watchdog()])
    assert not watch.look_once().is_silent
    assert told.states(SILENT_KEY) == [SignalState.FIRING, SignalState.RESOLVED]


def watchdog(*, state: str = "active", severity: str = "none") -> AlertSeen:
    return AlertSeen(
        fingerprint="f",
        name="Watchdog",
        severity=severity,
        state=state,
        started_at=datetime(2026, 11, 26, tzinfo=UTC),
        labels={},
        annotations={},
    )
