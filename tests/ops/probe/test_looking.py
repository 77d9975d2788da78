"""What the outsider sees of a page, a door, a name and a certificate."""

from __future__ import annotations

import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hrx.kit.errors import Invalid, Text
from hrx.ops.probe.targets import TargetKind, list_targets
from hrx.ops.settings import OpsSettings
from tests.ops.probe.outside import World, look, serving_world, target

pytestmark = pytest.mark.req("R4.3-2")
PAGE = b'<title>x | HRX-AI</title><script src="/_next/static/chunks/a.js"></script>'


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
