"""The outsider: what it sees, when a look becomes a fact, what it tells, when it stands in for the plane."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hrx.kit import clock
from hrx.kit.errors import Invalid, Text, Unavailable
from hrx.kit.settings import SecretStr
from hrx.ops.observe.standby import Reach, read_standby, write_standby
from hrx.ops.probe.calling import Call, Caller, make_call
from hrx.ops.probe.figures import Door, make_registry
from hrx.ops.probe.guarding import PLANE_CONDITION, Duty, Watch, guard, note_paged
from hrx.ops.probe.judging import Standing, judge, make_signal
from hrx.ops.probe.looking import Outsider, Seen
from hrx.ops.probe.probing import Probe, Rhythm
from hrx.ops.probe.reporting import Reporter
from hrx.ops.probe.targets import ProbeTarget, TargetKind, list_targets
from hrx.ops.settings import OpsSettings
from hrx.ops.signal import SignalState
from hrx.ops.targets.rising import rising
from tests.conftest import free_port

pytestmark = pytest.mark.req("R4.3-2")


def post_to_address(reach: Reach, call: Call) -> None:
    """A channel as bare as can be: what is told, posted to the address."""
    said = {"dedup_key": call.dedup_key, "recipient": reach.recipient, "title": call.title.ja}
    try:
        httpx.post(reach.address, json=said, timeout=2, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable(Text(ja="届かない", en="not taken")) from error


AT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
PAGE = b'<title>x | HRX-AI</title><script src="/_next/static/chunks/a.js"></script>'


@dataclass
class World:
    """A server that answers what it was told, and remembers what it was sent."""

    answers: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    posted: list[dict[str, Any]] = field(default_factory=list)
    post_status: int = 200
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving_world(world: World, *, context: ssl.SSLContext | None = None) -> Iterator[World]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*world.answers.get(self.path, (404, "text/plain", b"")))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            world.posted.append({**json.loads(body), "authorization": self.headers.get("Authorization")})
            self._answer(world.post_status, "application/json", b"{}")

        def _answer(self, code: int, content_type: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    world.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield world
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def world() -> Iterator[World]:
    with serving_world(World()) as opened:
        yield opened


def target(kind: TargetKind, address: str, *, name: str = "it") -> ProbeTarget:
    return ProbeTarget(name=name, kind=kind, address=address, title=Text(ja="それ", en="it"), sop="5.2.1")


def look(one: ProbeTarget, *, timeout_s: float = 1.0) -> Seen:
    return Outsider(timeout_s=timeout_s).look(one)


# ── looking ──────────────────────────────────────────────────────────────────────────────────────────
def test_the_portal_is_well_only_when_its_scripts_load(world: World) -> None:
    portal = target(TargetKind.PORTAL, f"{world.url}/sign-in")
    script = "/_next/static/chunks/a.js"
    world.answers = {"/sign-in": (200, "text/html", PAGE), script: (200, "text/javascript", b"1")}
    assert look(portal).is_well
    del world.answers[script]
    assert "a.js" in (look(portal).failure or Text(ja="", en="")).en


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, PAGE), (200, b"<title>maintenance</title>"), (200, b"<title>x | HRX-AI</title>"), (302, b"")],
)
def test_a_page_that_is_not_the_product_is_a_failure(world: World, status: int, body: bytes) -> None:
    world.answers = {"/sign-in": (status, "text/html", body)}
    assert not look(target(TargetKind.PORTAL, f"{world.url}/sign-in")).is_well


@pytest.mark.parametrize(
    ("code", "status", "is_well"), [(200, "ready", True), (200, "degraded", True), (503, "not_ready", False)]
)
def test_degraded_is_well_for_the_world_and_not_ready_is_not(
    world: World, code: int, status: str, is_well: bool
) -> None:
    world.answers = {"/readyz": (code, "application/json", json.dumps({"status": status}).encode())}
    assert look(target(TargetKind.READINESS, f"{world.url}/readyz")).is_well is is_well


def test_a_plane_that_answers_but_does_not_tick_is_not_well(world: World) -> None:
    plane = target(TargetKind.PLANE, f"{world.url}/heartbeat")
    world.answers = {"/heartbeat": (200, "application/json", b'{"tick_age_s": 0.4}')}
    assert look(plane).is_well
    world.answers = {"/heartbeat": (200, "application/json", b'{"tick_age_s": 60}')}
    assert not look(plane).is_well


@pytest.mark.parametrize(("sign", "late_s"), [("tick_age_s", 8), ("look_age_s", 30), ("rules_age_s", 60)])
def test_each_of_the_planes_threads_must_show_that_it_lives(world: World, sign: str, late_s: int) -> None:
    plane = target(TargetKind.PLANE, f"{world.url}/heartbeat")
    alive = {"tick_age_s": 0.4, "look_age_s": 1.0, "rules_age_s": 3.0, "watchdog_age_s": None}
    for age, is_well in ((late_s - 1, True), (late_s + 1, False)):
        body = json.dumps({**alive, sign: age}).encode()
        world.answers = {"/heartbeat": (200, "application/json", body)}
        assert look(plane).is_well is is_well


def test_a_server_that_drips_is_late_and_not_waited_for() -> None:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        done = threading.Event()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not done.wait(0.1):
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            seen = look(target(TargetKind.PAGE, f"http://127.0.0.1:{port}/"), timeout_s=0.5)
        finally:
            done.set()
            thread.join()
    assert seen.failure is not None
    assert "0.5 s" in seen.failure.en
    assert seen.duration_s < 1.5


def test_a_name_that_does_not_resolve_is_a_failure() -> None:
    assert not look(target(TargetKind.DNS, "nowhere.invalid")).is_well
    assert look(target(TargetKind.DNS, "localhost")).is_well


def make_certificate(folder: Path, *, ends_in: timedelta) -> ssl.SSLContext:
    """A self-signed certificate of localhost: nobody trusts it, expired or not."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + ends_in)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.parametrize(("days", "is_well"), [(-1, False), (5, True)])
@pytest.mark.req("R4.3-1")
def test_the_end_of_an_untrusted_certificate_is_seen_and_trust_is_told_apart(
    tmp_path: Path, days: int, is_well: bool
) -> None:
    context = make_certificate(tmp_path, ends_in=timedelta(days=days))
    with serving_world(World(), context=context) as world:
        ends = look(target(TargetKind.TLS, f"127.0.0.1:{world.port}"))
        trust = look(target(TargetKind.TRUST, f"127.0.0.1:{world.port}"))
    assert ends.is_well is is_well
    assert ends.not_after is not None
    assert abs(ends.not_after - datetime.now(UTC) - timedelta(days=days)) < timedelta(minutes=1)
    assert not trust.is_well


def test_a_tls_host_without_a_readable_port_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        list_targets(OpsSettings(var_dir=tmp_path, probe_tls_hosts="a.example:https"))


# ── judging ──────────────────────────────────────────────────────────────────────────────────────────
def test_two_looks_in_a_row_make_a_fact_and_one_does_not() -> None:
    standing, told = Standing(), []
    for second, is_well in enumerate([True, False, True, False, False, False, True, True]):
        seen = Seen(
            target="it",
            at=AT + timedelta(seconds=second),
            duration_s=0.1,
            failure=None if is_well else Text(ja="だめ", en="bad"),
        )
        standing, news = judge(standing, seen)
        told.append(news)
    firing = told.index(SignalState.FIRING)
    assert [news for news in told if news] == [SignalState.FIRING, SignalState.RESOLVED]
    assert (firing, told.index(SignalState.RESOLVED)) == (4, 7)


def test_an_outage_begins_with_its_first_bad_look() -> None:
    standing = Standing()
    for second in (3, 4):
        seen = Seen(target="it", at=AT + timedelta(seconds=second), duration_s=0, failure=Text(ja="", en=""))
        standing, _ = judge(standing, seen)
    assert standing.since == AT + timedelta(seconds=3)


def test_a_door_that_does_not_answer_is_another_procedure_than_a_bad_answer_behind_it(
    world: World, tmp_path: Path
) -> None:
    (api,) = [one for one in list_targets(OpsSettings(var_dir=tmp_path)) if one.name == "api"]
    outsider = Outsider(timeout_s=2)
    sops = []
    for address in (f"http://127.0.0.1:{free_port()}/", f"{world.url}/nothing-here"):
        standing = Standing()
        for _ in range(2):
            standing, news = judge(standing, outsider.look(replace(api, address=address)))
        assert news is SignalState.FIRING
        sops.append(make_signal(api, standing, state=news, at=AT).sop)
    assert sops == ["5.2.1", "5.2.2"]


# ── guarding ─────────────────────────────────────────────────────────────────────────────────────────
def step(watch: Watch, second: float, is_well: bool | None, *failing: str) -> tuple[Watch, Duty]:
    return guard(
        watch,
        is_well=is_well,
        failing=frozenset(failing),
        now=AT + timedelta(seconds=second),
        silence_s=8,
    )


def test_a_silent_plane_is_paged_once_and_so_is_each_thing_that_fails_meanwhile() -> None:
    watch, duty = step(Watch(heard_at=AT), 7.9, False, "probe-failed:api")
    assert duty == Duty()
    watch, duty = step(watch, 8.1, False, "probe-failed:api")
    assert duty.page == (PLANE_CONDITION, "probe-failed:api")
    for condition in duty.page:
        watch = note_paged(watch, condition)
    watch, duty = step(watch, 9, False, "probe-failed:api")
    assert duty == Duty()
    watch, duty = step(watch, 10, None, "probe-failed:api", "probe-failed:portal")
    assert duty.page == ("probe-failed:portal",)


def test_a_page_that_reached_nobody_is_due_again() -> None:
    watch, first = step(Watch(heard_at=AT), 9, False)
    _, again = step(watch, 10, False)
    assert first.page == again.page == (PLANE_CONDITION,)


def test_the_duty_goes_back_after_two_good_answers_and_a_new_silence_pages_again() -> None:
    watch, _ = step(Watch(heard_at=AT), 9, False)
    watch = note_paged(watch, PLANE_CONDITION)
    watch, duty = step(watch, 20, True)
    assert not duty.hands_back
    watch, duty = step(watch, 21, True)
    assert duty.hands_back
    watch, duty = step(watch, 30, False)
    assert duty.page == (PLANE_CONDITION,)


# ── memory and calling ───────────────────────────────────────────────────────────────────────────────
def test_whom_to_call_is_written_when_it_changes_and_survives_a_lost_file(
    tmp_path: Path, world: World
) -> None:
    path = tmp_path / "probe" / "on-call.json"
    reach = (
        Reach(recipient="sato", channel="webhook", address=f"http://127.0.0.1:{free_port()}/gone"),
        Reach(recipient="mori", channel="webhook", address=f"{world.url}/mori", language="en"),
        Reach(recipient="ueda", channel="webhook", address=f"{world.url}/ueda"),
        Reach(recipient="place:#hrx-alerts-critical", channel="webhook", address=f"{world.url}/place"),
    )
    assert write_standby(path, reach)
    assert not write_standby(path, reach)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    caller = Caller(standby=path, deliver=post_to_address)
    caller.remember()
    path.write_text("{ half a fi")
    assert caller.call(make_call(PLANE_CONDITION, says=None, since=AT))
    # The first person's channel is dead, so the next is called and the one after is left alone.
    assert sorted(sent["recipient"] for sent in world.posted) == ["mori", "place:#hrx-alerts-critical"]
    assert {sent["dedup_key"] for sent in world.posted} == {PLANE_CONDITION}
    assert read_standby(path) is None


# ── the whole ────────────────────────────────────────────────────────────────────────────────────────
@dataclass
class Rig:
    """A probe on a world, ticked by hand."""

    probe: Probe
    reporter: Reporter
    targets: tuple[ProbeTarget, ...]
    restart: Callable[[], Probe]

    def look(self, *, times: int = 1) -> None:
        outsider = Outsider(timeout_s=0.5)
        for _ in range(times):
            for one in self.targets:
                self.probe.note(one, outsider.look(one))
            self.probe.step()


@pytest.fixture
def rig(world: World, tmp_path: Path) -> Rig:
    world.answers = {
        "/heartbeat": (200, "application/json", b'{"tick_age_s": 0.1}'),
        "/api": (200, "application/json", b"{}"),
    }
    standby = tmp_path / "on-call.json"
    write_standby(standby, (Reach(recipient="mori", channel="webhook", address=f"{world.url}/call"),))
    targets = (
        target(TargetKind.ROUTE, f"{world.url}/api", name="api"),
        target(TargetKind.PLANE, f"{world.url}/heartbeat", name="plane"),
    )
    reporter = Reporter(url=f"{world.url}/hooks/signals", token="hook-token")

    def make() -> Probe:
        return Probe(
            targets,
            rhythm=Rhythm(every_s=1, timeout_s=0.5, silence_s=0.3),
            reporter=reporter,
            caller=Caller(standby=standby, deliver=post_to_address),
            state_file=tmp_path / "watch.json",
            var_dir=tmp_path,
        )

    return Rig(probe=make(), reporter=reporter, targets=targets, restart=make)


def test_news_reaches_the_plane_once_with_its_token(rig: Rig, world: World) -> None:
    world.answers["/api"] = (500, "application/json", b"{}")
    rig.look(times=3)
    assert rig.reporter.flush() == 1
    assert rig.reporter.flush() == 0
    (sent,) = world.posted
    assert sent["authorization"] == "Bearer hook-token"
    (signal,) = sent["signals"]
    assert (signal["key"], signal["state"], signal["source"]) == ("probe-failed:api", "firing", "probe")


def test_what_the_plane_does_not_take_waits_and_the_newest_word_wins(rig: Rig, world: World) -> None:
    world.answers["/api"] = (500, "application/json", b"{}")
    world.post_status = 503
    rig.look(times=2)
    assert rig.reporter.flush() == 0
    world.answers["/api"] = (200, "application/json", b"{}")
    rig.look(times=2)
    world.post_status = 200
    world.posted.clear()
    assert rig.reporter.flush() == 1
    assert [signal["state"] for signal in world.posted[0]["signals"]] == ["resolved"]


def test_with_plane_and_api_gone_people_are_called_once_even_across_a_restart(rig: Rig, world: World) -> None:
    import time

    rig.look()
    world.answers = {}
    time.sleep(0.35)
    rig.look(times=3)
    rig.probe = rig.restart()
    rig.look(times=3)
    keys = [sent["dedup_key"] for sent in world.posted if "dedup_key" in sent]
    assert sorted(keys) == [
        PLANE_CONDITION,
        "probe-failed:api",
    ]


def test_a_plane_that_is_being_started_with_the_rest_is_not_missed(
    rig: Rig, world: World, tmp_path: Path
) -> None:
    import time

    rig.look()
    world.answers = {}
    with rising(tmp_path):
        time.sleep(0.35)
        rig.look(times=3)
        assert not [sent for sent in world.posted if "dedup_key" in sent]
    with clock.shifted(timedelta(seconds=11)):
        rig.look(times=3)
    assert PLANE_CONDITION in [sent["dedup_key"] for sent in world.posted if "dedup_key" in sent]


def test_the_door_exports_what_was_seen(world: World) -> None:
    seen = Seen(target="tls-a", at=AT, duration_s=0.25, not_after=AT)
    door = Door(port=0, registry=make_registry(lambda: (seen,)), late=lambda: ("api",), commit="abc")
    door.open()
    try:
        import urllib.request

        with urllib.request.urlopen(f"http://127.0.0.1:{door.port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        with urllib.request.urlopen(f"http://127.0.0.1:{door.port}/readyz", timeout=5) as answer:
            ready = json.load(answer)
    finally:
        door.close()
    assert 'hrx_probe_success{target="tls-a"} 1.0' in text
    assert 'hrx_probe_duration_seconds{target="tls-a"} 0.25' in text
    ends = text.partition('hrx_probe_tls_not_after_timestamp_seconds{target="tls-a"} ')[2].split()[0]
    assert float(ends) == AT.timestamp()
    assert ready == {"status": "degraded", "degraded": ["api"], "checks": []}


def test_every_public_door_and_the_plane_itself_are_targets(tmp_path: Path) -> None:
    settings = OpsSettings(
        var_dir=tmp_path,
        probe_tls_hosts="hrx.example:8443, b.example",
        probe_dns_hosts="hrx.example",
        probe_status_url="http://127.0.0.1:1/",
        ops_hook_token=SecretStr("x"),
    )
    assert [one.name for one in list_targets(settings)] == [
        "portal",
        "readyz",
        "api",
        "plane",
        "status",
        "tls-hrx.example:8443",
        "trust-hrx.example:8443",
        "tls-b.example",
        "trust-b.example",
        "dns-hrx.example",
    ]
