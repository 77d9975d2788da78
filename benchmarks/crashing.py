"""The operations plane killed again and again while it pages: what was sent, and what of it twice or never.

A host process has everything imported and forks one child at a time: ticker and sender as the console has
them, against a ledger and a receiver that outlive them. The receiver is ours and remembers each delivery by
its key, which is how it can tell a duplicate from a second page."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.kit.settings import SecretStr
from hrx.ops.channels.opening import open_channels
from hrx.ops.incidents.intake import take_signals
from hrx.ops.incidents.timers import DECISIONS as INCIDENT_DECISIONS
from hrx.ops.ledger.entries import open_ledger
from hrx.ops.ledger.incidents import list_incidents
from hrx.ops.ledger.notifications import Notification, NotificationState, list_notifications
from hrx.ops.ledger.timers import PENDING
from hrx.ops.paging.batches import Limits
from hrx.ops.paging.escalation import ESCALATE
from hrx.ops.paging.sender import Sender
from hrx.ops.paging.timers import DECISIONS
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.runbook.content import Content, load_content
from hrx.ops.seams.http import HttpSeam
from hrx.ops.settings import OpsSettings
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.tick import Ticker

ROOT = Path(__file__).resolve().parents[1]
#: Escalation of minutes in a fraction of a second, so that kills fall into every part of it.
STEP_S, ROUNDS = 0.2, 2
#: A receiver answers after up to so long: what is under way when the process dies is the hard part.
SLOWEST_S = 0.06
#: A process lives up to so long after it is ready.
LIFE_S = 0.6
#: What Slack answers; the webhook's sender reads no more than the status.
_ANSWER = b'{"ok": true, "channel": "C0", "ts": "1.000001"}'


@dataclass(kw_only=True)
class Outcome:
    """What a series of kills did."""

    kills: int
    incidents: int
    pages: int
    lost: list[str] = field(default_factory=list)
    deliveries: Counter[str] = field(default_factory=Counter)
    #: Pages that went by another way because two senders died at them.
    by_next_way: int = 0
    #: Pages given up after two deaths, for the same step had reached the person by another way.
    spared: int = 0
    under_way_at_kills: int = 0
    took_s: float = 0.0

    @property
    def duplicates(self) -> int:
        return sum(count - 1 for count in self.deliveries.values())

    @property
    def most(self) -> int:
        """How often the page that was sent most often was sent."""
        return max(self.deliveries.values(), default=0)


def kill_again_and_again(folder: Path, *, kills: int, seed: int) -> Outcome:
    """`kills` processes, each killed at a random moment of its life; then one that may finish."""
    chance, started = random.Random(seed), time.monotonic()  # noqa: S311
    with _receiver(chance) as receiver:
        settings = _settings(folder, port=receiver.port)
        with _opened(settings) as plane, _host(folder, receiver.port) as host:
            outcome = Outcome(kills=kills, incidents=0, pages=0)
            for number in range(kills):
                pid = host.start()
                _report(plane, number)
                time.sleep(chance.random() * LIFE_S)
                outcome.under_way_at_kills += receiver.busy > 0
                host.kill(pid)
            pid = host.start()
            _wait_until_done(plane)
            host.kill(pid)
            return _judge(plane, receiver, outcome, took_s=time.monotonic() - started)


def _judge(plane: Plane, receiver: _Receiver, outcome: Outcome, *, took_s: float) -> Outcome:
    pages = [one for one in _every_notification(plane) if one.is_page]
    policy = plane.content.on_call.policy_for(Severity.CRITICAL, is_security=False)
    incidents = list_incidents(plane.ledger.store, limit=10_000)
    outcome.incidents, outcome.pages, outcome.took_s = len(incidents), len(pages), took_s
    outcome.deliveries = Counter({one.dedup_key: receiver.seen[one.dedup_key] for one in pages})
    arrived: Counter[str] = Counter()
    for one in pages:
        # A page that went on by the next way has the key of the first, and a mark.
        first, _, way = one.dedup_key.partition(">")
        arrived[first] += receiver.seen[one.dedup_key]
        outcome.by_next_way += bool(way)
    reached = {_step_of(one) for one in pages if receiver.seen[one.dedup_key]}
    spared = {
        one.dedup_key for one in pages if one.state is NotificationState.FAILED and _step_of(one) in reached
    }
    outcome.spared = sum(arrived[key] == 0 for key in spared)
    outcome.lost = [key for key, count in arrived.items() if count == 0 and key not in spared]
    # The first round pages each step by one way, every later one by both.
    expected = len(policy.steps) * (1 + 2 * (policy.rounds - 1))
    for incident in incidents:
        mine = {one.dedup_key.partition(">")[0] for one in pages if one.incident_id == incident.id}
        if len(mine) != expected:
            outcome.lost.append(f"incident {incident.id}: {len(mine)} pages were written")
    return outcome


def _step_of(page: Notification) -> str:
    """Incident, round, step and person: what its pages by several ways have in common."""
    return page.dedup_key.partition(f":{page.channel}:")[0]


# ── what is paged ───────────────────────────────────────────────────────────────────────────────────
def _settings(folder: Path, *, port: int) -> OpsSettings:
    runbook = folder / "runbook"
    if not runbook.exists():
        shutil.copytree(ROOT / "runbook", runbook)
        _hasten(runbook)
    return OpsSettings(
        var_dir=folder,
        runbook_dir=runbook,
        ledger_url=SecretStr(f"sqlite:///{folder / 'ledger.sqlite3'}"),
        webhook_url=f"http://127.0.0.1:{port}/",
        webhook_secret=SecretStr("secret-of-the-crash-test"),
        slack_api_url=f"http://127.0.0.1:{port}/slack/",
        slack_bot_token=SecretStr("xoxb-of-the-crash-test"),
        notify_timeout_s=2.0,
        log_level="ERROR",
    )


def _hasten(runbook: Path) -> None:
    """Everybody by webhook, then by Slack, and no step longer than a blink."""
    contacts, on_call = (runbook / "respond" / name for name in ("contacts.yaml", "on-call.yaml"))
    people = yaml.safe_load(contacts.read_text())
    for person in people["people"]:
        person["channels"] = [
            {"kind": "webhook", "address": person["id"]},
            {"kind": "slack", "address": f"U0{person['id'].upper()}"},
        ]
    contacts.write_text(yaml.safe_dump(people, allow_unicode=True))
    # Many at once are one storm; here each is to be an escalation of its own.
    grouping = runbook / "respond" / "grouping.yaml"
    grouping.write_text(
        yaml.safe_dump({**yaml.safe_load(grouping.read_text()), "storm_incidents": 1_000_000})
    )
    rules = yaml.safe_load(on_call.read_text())
    for place in rules["places"]:
        place.update(kind="webhook", address=place["name"])
    for policy in rules["policies"]:
        policy["rounds"] = ROUNDS
        for step in policy["steps"]:
            step["delay_s"] = STEP_S
    on_call.write_text(yaml.safe_dump(rules, allow_unicode=True))


@contextmanager
def _opened(settings: OpsSettings) -> Iterator[Plane]:
    layout = Layout(root=ROOT, var=settings.var_dir, tools=settings.var_dir / "tools", user=None)
    with opened_plane(settings, target=Machine(layout)) as plane:
        yield plane


def _report(plane: Plane, number: int) -> None:
    """One more incident, about a part of its own, so that nothing is grouped away."""
    now = clock.now()
    take_signals(
        plane,
        [
            Signal(
                source=SignalSource.CLI,
                key=f"crash:{number}",
                name=f"Crash{number}",
                state=SignalState.FIRING,
                started_at=now,
                summary=Text(ja=f"訓練用の停止 {number}", en=f"Stop {number} of the crash test"),
                severity=Severity.CRITICAL,
            )
        ],
    )


def _every_notification(plane: Plane) -> list[Notification]:
    return list_notifications(plane.ledger.store, limit=1_000_000)


def _wait_until_done(plane: Plane, *, within_s: float = 400) -> None:
    """Until no escalation is to come and no message waits. Asked in two counts: reading every row again and
    again took the processor from the process that was waited for."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with plane.ledger.store.read() as connection:
            left = connection.exec_driver_sql(
                "SELECT (SELECT count(*) FROM notification WHERE state = 'queued'),"
                f" (SELECT count(*) FROM timer WHERE kind = '{ESCALATE}' AND state = '{PENDING}')"
            ).one()
        if not any(left):
            return
        time.sleep(0.2)
    raise AssertionError(f"the last process did not finish what the others left: {tuple(left)}")


# ── who receives ────────────────────────────────────────────────────────────────────────────────────
class _Receiver:
    """A webhook's receiver and Slack, both of which outlive every sender."""

    def __init__(self, chance: random.Random) -> None:
        self.seen: Counter[str] = Counter()
        self.busy = 0
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with owner._lock:
                    owner.busy += 1
                    wait_s = chance.random() * SLOWEST_S
                    # Counted before it answers: what a killed sender never heard of has arrived.
                    owner.seen[self.headers["X-HRX-Delivery"] or _key_in_slack(body)] += 1
                time.sleep(wait_s)
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(_ANSWER)))
                    self.end_headers()
                    self.wfile.write(_ANSWER)
                finally:
                    with owner._lock:
                        owner.busy -= 1

            def log_message(self, *_: Any) -> None:
                pass

            def handle(self) -> None:
                # The other side was killed: nothing to be said about it.
                with suppress(OSError):
                    super().handle()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self.server.server_address[1])


def _key_in_slack(body: bytes) -> str:
    """The key that a Slack message carries in its metadata."""
    return str(json.loads(body)["metadata"]["event_payload"]["delivery"])


@contextmanager
def _receiver(chance: random.Random) -> Iterator[_Receiver]:
    made = _Receiver(random.Random(chance.random()))  # noqa: S311
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(timeout=5)


# ── who is killed ───────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class _Host:
    process: subprocess.Popen[str]

    def start(self) -> int:
        """A child that ticks and sends; its pid, once it is at work."""
        self._say("start")
        return int(self._hear())

    def kill(self, pid: int) -> None:
        """kill -9, and gone when this returns."""
        os.kill(pid, signal.SIGKILL)
        self._say("reap")
        self._hear()

    def _say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def _hear(self) -> str:
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said, "the host of the crash test is gone"
        return said.strip()


@contextmanager
def _host(folder: Path, port: int) -> Iterator[_Host]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.crashing", str(folder), str(port)],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield _Host(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=20)
        assert process.stdout is not None
        process.stdout.close()


def _serve_host(folder: Path, port: int) -> None:
    """Fork a child at each `start`; reap it at each `reap`. Single-threaded, or forking would be unsafe."""
    settings = _settings(folder, port=port)
    content = load_content(settings.runbook_dir)
    for line in sys.stdin:
        if line.strip() == "reap":
            os.wait()
            print("reaped", flush=True)
            continue
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read_end)
            _live(settings, content, ready=write_end)
        os.close(write_end)
        os.read(read_end, 1)
        os.close(read_end)
        print(child, flush=True)


def _live(settings: OpsSettings, content: Content, *, ready: int) -> None:
    """The console's ticker and sender until killed, or until the host is gone: nobody is left behind."""
    host = os.getppid()
    layout = Layout(root=ROOT, var=settings.var_dir, tools=settings.var_dir / "tools", user=None)
    plane = Plane(
        settings=settings,
        content=content,
        ledger=open_ledger(settings.ledger_location),
        target=Machine(layout),
        http=HttpSeam(timeout_s=1),
    )
    # Each page alone, so that the receiver can count it by its key.
    limits = Limits(bundle_from=1_000_000, per_window=1_000_000)
    sender = Sender(plane, open_channels(plane.settings), limits=limits)
    ticker = Ticker(
        plane,
        decisions={**INCIDENT_DECISIONS, **DECISIONS},
        works={},
        rounds=(sender.send_due,),
        every_s=0.05,
    )
    ticker.start()
    os.write(ready, b"1")
    while os.getppid() == host:
        time.sleep(0.2)
    os._exit(1)


if __name__ == "__main__":
    _serve_host(Path(sys.argv[1]), int(sys.argv[2]))
