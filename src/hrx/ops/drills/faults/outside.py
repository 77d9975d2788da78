"""Faults at the outside: expired certificates, names and services that are gone, guessed passwords."""

from __future__ import annotations

import contextlib
import http.client
import secrets
import socket
import ssl
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import orjson

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.drills.faults.fault import FaultSpec, Let, Memo, Params, nothing_held
from hrx.ops.drills.ground import Ground
from hrx.ops.observe.standby import extra_targets_path

_HOST: Final = "localhost"


def _free_port(_ground: Ground, _params: Params) -> Memo:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return {"port": int(found.getsockname()[1])}


def _serve_expired(ground: Ground, params: Params, memo: Memo) -> Let:
    """A TLS server whose certificate ended yesterday, told to the probe as one of the hosts it watches."""
    port = int(str(memo["port"]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(
        _make_certificate(ground.layout.run, days_left=int(params.get("days_left", "-1")))
    )
    listener = socket.create_server(("127.0.0.1", port))
    stopped = threading.Event()

    def answer() -> None:
        listener.settimeout(0.5)
        while not stopped.is_set():
            with contextlib.suppress(OSError):
                plain, _ = listener.accept()
                with plain, context.wrap_socket(plain, server_side=True):
                    pass

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    _tell_probe(ground, name="certificate-drill", kind="tls", address=f"{_HOST}:{port}", sop="5.2.1")

    def let_go() -> None:
        stopped.set()
        thread.join(timeout=2)
        listener.close()

    return let_go


def _make_certificate(folder: Path, *, days_left: int) -> Path:
    # Only this drill needs the library.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, now = ec.generate_private_key(ec.SECP256R1()), clock.now()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _HOST)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now + timedelta(days=days_left))
        .sign(key, hashes.SHA256())
    )
    path = folder / "drill-certificate.pem"
    path.touch(mode=0o600)
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def _watch_unknown_name(ground: Ground, _params: Params, _memo: Memo) -> Let:
    _tell_probe(ground, name="name-drill", kind="dns", address="portal.drill.invalid", sop="5.2.1")
    return nothing_held


def _tell_probe(ground: Ground, **target: str) -> None:
    path = extra_targets_path(ground.plane.settings.var_dir)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_bytes(orjson.dumps([target]))
    draft.replace(path)


def _forget_targets(ground: Ground, _params: Params, _memo: Memo) -> None:
    extra_targets_path(ground.plane.settings.var_dir).unlink(missing_ok=True)
    (ground.layout.run / "drill-certificate.pem").unlink(missing_ok=True)


def _guess_passwords(ground: Ground, params: Params, _memo: Memo) -> Let:
    """Real sign-in attempts from many addresses, past the edge, which would name them all ours."""
    stopped = threading.Event()
    port = ground.port(params["part"].replace("-", "_"))
    per_s, crowd = float(params.get("per_s", "20")), 4

    def guess(number: int) -> None:
        at = 0
        while not stopped.wait(crowd / per_s):
            at += 1
            address = f"198.51.{number}.{at % 250 + 1}"
            body = orjson.dumps(
                {"email": f"{secrets.token_hex(4)}@example.jp", "password": "guess-" + "x" * 12}
            )
            headers = {
                "Content-Type": "application/json",
                "X-Forwarded-For": address,
                "Origin": ground.edge_url,
                "Sec-Fetch-Site": "same-origin",
            }
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("POST", "/api/v1/auth/login", body=body, headers=headers)
                connection.getresponse().read()
            connection.close()

    threads = [threading.Thread(target=guess, args=(number,), daemon=True) for number in range(crowd)]
    for thread in threads:
        thread.start()

    def let_go() -> None:
        stopped.set()
        for thread in threads:
            thread.join(timeout=12)

    return let_go


def _serve_service(ground: Ground, params: Params, memo: Memo) -> Let:
    """A stand-in for a service of others that misbehaves in the given way; `refused` is nobody there."""
    port, mode = int(str(memo["port"])), params["mode"]
    name = f"service-{params['service']}"
    let_go = nothing_held if mode == "refused" else _serve(port, mode)
    _tell_probe(ground, name=name, kind="route", address=f"http://127.0.0.1:{port}/", sop="5.2.5")
    return let_go


def _serve(port: int, mode: str) -> Let:
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if mode == "hang":
                stopped.wait(30)
            code = {"500": 500, "429": 429}.get(mode, 200)
            body = b"<html>not what was asked</html>" if mode == "garbage" else b"{}"
            self.send_response(code)
            self.send_header("Content-Type", "text/html" if mode == "garbage" else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()

    def let_go() -> None:
        stopped.set()
        server.shutdown()
        server.server_close()

    return let_go


def _service_port(ground: Ground, params: Params) -> Memo:
    """The port at which the plane looks for that service, when that is this machine; else a free one."""
    named = str(getattr(ground.plane.settings, "outside_services", "") or "")
    for pair in named.split(","):
        name, _, url = pair.strip().partition("=")
        parts = urlsplit(url)
        if name == params["service"] and parts.hostname in ("127.0.0.1", "localhost") and parts.port:
            return {"port": parts.port}
    return _free_port(ground, params)


def _nothing(_ground: Ground, _params: Params, _memo: Memo) -> None:
    """A crowd ends with the process that plays it."""


FAULTS: Final = (
    FaultSpec(
        id="outside.certificate",
        title=Text(ja="期限切れの証明書", en="An expired certificate"),
        prepare=_free_port,
        inject=_serve_expired,
        undo=_forget_targets,
    ),
    FaultSpec(
        id="outside.name",
        title=Text(ja="解決できない名前", en="A name that does not resolve"),
        inject=_watch_unknown_name,
        undo=_forget_targets,
    ),
    FaultSpec(
        id="outside.service",
        title=Text(ja="外部サービスの障害", en="A service of others fails"),
        prepare=_service_port,
        inject=_serve_service,
        undo=_forget_targets,
    ),
    FaultSpec(
        id="outside.guessing",
        title=Text(ja="パスワードの総当たり", en="Credential stuffing"),
        inject=_guess_passwords,
        undo=_nothing,
    ),
)
