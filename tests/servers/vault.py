"""A key-value store, version 2, as HashiCorp Vault's published HTTP API shows it, on a socket.

A write names the version that it replaces (`cas`); another one is answered 400 in Vault's own words."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hvs." + secrets.token_urlsafe(24)


@dataclass(slots=True)
class VaultServer:
    """`secrets` by `mount/path`; `answers_with` are statuses given instead, one each; `waits_s` before.

    Writes: `may_write` is the token's right, `waits_after_s` delays the answer of one that was done, and
    `writes_between` is somebody else's write in the moment before ours."""

    url: str = ""
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    answers_with: list[int] = field(default_factory=list)
    waits_s: float = 0
    body: bytes | None = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    may_write: bool = True
    waits_after_s: float = 0
    writes_between: dict[str, Any] | None = None


@contextmanager
def running_vault() -> Iterator[VaultServer]:
    """On a free port of the loopback, until the block ends."""
    vault = VaultServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(vault.waits_s)
            vault.asked.append((self.path, self.headers.get("X-Vault-Namespace")))
            if vault.answers_with:
                self._fail(vault.answers_with.pop(0))
            elif self.headers.get("X-Vault-Token") != TOKEN:
                self._fail(403, "permission denied")
            else:
                self._give(self.path.removeprefix("/v1/"))

        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            mount, _, name = self.path.removeprefix("/v1/").partition("/data/")
            key = f"{mount}/{name}"
            if vault.answers_with:
                self._fail(vault.answers_with.pop(0))
            elif self.headers.get("X-Vault-Token") != TOKEN or not vault.may_write:
                self._fail(403, "1 error occurred:\n\t* permission denied\n\n")
            else:
                self._put(key, document)

        def _put(self, key: str, document: dict[str, Any]) -> None:
            if vault.writes_between is not None:
                vault.secrets[key] = {**vault.secrets[key], **vault.writes_between}
                vault.versions[key] = vault.versions.get(key, 2) + 1
                vault.writes_between = None
            if document["options"]["cas"] != vault.versions.get(key, 2):
                self._fail(400, "check-and-set parameter did not match the current version")
                return
            vault.secrets[key] = document["data"]
            vault.versions[key] = vault.versions.get(key, 2) + 1
            waits_s, vault.waits_after_s = vault.waits_after_s, 0
            time.sleep(waits_s)
            self._answer(200, {"data": {"version": vault.versions[key], "destroyed": False}})

        def _give(self, path: str) -> None:
            mount, separator, name = path.partition("/data/")
            key = f"{mount}/{name}"
            if not separator or key not in vault.secrets:
                self._fail(404)
                return
            is_deleted = key in vault.deleted
            metadata = {
                "created_time": "2026-03-22T02:24:06.945319214Z",
                "custom_metadata": None,
                "deletion_time": datetime.now(UTC).isoformat() if is_deleted else "",
                "destroyed": False,
                "version": vault.versions.get(key, 2),
            }
            data = {"data": None if is_deleted else vault.secrets[key], "metadata": metadata}
            self._answer(404 if is_deleted else 200, {"request_id": secrets.token_hex(8), "data": data})

        def _fail(self, status: int, *errors: str) -> None:
            if status == 503:
                errors = ("Vault is sealed",)
            self._answer(status, {"errors": list(errors)})

        def _answer(self, status: int, document: dict[str, Any]) -> None:
            body = vault.body or json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status in (301, 302, 307):
                self.send_header("Location", f"{vault.url}/elsewhere")
            if status == 429:
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    vault.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield vault
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
