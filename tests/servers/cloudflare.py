"""A zone as Cloudflare's published API shows it (v4), on a socket."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ZONE = "023e105f4ecef8ad9ca31a8372d0c353"
TOKEN = secrets.token_hex(20)


@dataclass(slots=True)
class CloudflareServer:
    """`records` by id; `fails_with` answers everything with that status instead."""

    url: str = ""
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    fails_with: int | None = None
    writes: int = 0

    def add(self, name: str, content: str, *, ttl: int = 300, kind: str = "A", proxied: bool = False) -> str:
        record_id = secrets.token_hex(16)
        self.records[record_id] = {
            "id": record_id,
            "name": name,
            "type": kind,
            "content": content,
            "ttl": ttl,
            "proxied": proxied,
            "proxiable": True,
        }
        return record_id


@contextmanager
def running_cloudflare() -> Iterator[CloudflareServer]:
    """On a free port of the loopback, until the block ends."""
    cloud = CloudflareServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self._is_allowed():
                return
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            found = [
                one
                for one in cloud.records.values()
                if one["name"] == asked.get("name", one["name"])
                and one["type"] == asked.get("type", one["type"])
            ]
            self._answer(200, found, result_info={"page": 1, "count": len(found), "total_count": len(found)})

        def do_PATCH(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self._is_allowed():
                return
            record = cloud.records.get(urlsplit(self.path).path.rsplit("/", 1)[1])
            if record is None:
                self._refuse(404, 81044, "Record does not exist.")
                return
            cloud.writes += 1
            record.update(body)
            self._answer(200, record)

        def _is_allowed(self) -> bool:
            if cloud.fails_with is not None:
                self._refuse(cloud.fails_with, 10000, "no")
            elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._refuse(403, 9109, "Invalid access token")
            elif not urlsplit(self.path).path.startswith(f"/client/v4/zones/{ZONE}/dns_records"):
                self._refuse(404, 7003, "Could not route to the zone")
            else:
                return True
            return False

        def _answer(self, status: int, result: object, **others: object) -> None:
            self._send(status, {"success": True, "errors": [], "messages": [], "result": result, **others})

        def _refuse(self, status: int, code: int, message: str) -> None:
            errors = [{"code": code, "message": message}]
            self._send(status, {"success": False, "errors": errors, "messages": [], "result": None})

        def _send(self, status: int, told: object) -> None:
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal of the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    cloud.url = f"http://127.0.0.1:{server.server_address[1]}/client/v4"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
