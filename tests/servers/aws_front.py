"""What AWS says in trouble, on a socket in front of moto: throttled, session over, right missing, broken
after it acted. Everything else goes through to moto unchanged.

Forms are those of AWS's JSON protocol: the status, `__type` and a message."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

#: Code → status.
STATUSES = {
    "AccessDeniedException": 400,
    "ExpiredTokenException": 400,
    "ThrottlingException": 400,
    "InternalServiceError": 500,
}


@dataclass(slots=True)
class AwsFront:
    """`fails` is by action (`PutSecretValue`): the code that is said. `fails_after`: acted on first;
    `fails_once`: acted on first, and only the first answer is lost."""

    url: str = ""
    fails: dict[str, str] = field(default_factory=dict)
    fails_after: dict[str, str] = field(default_factory=dict)
    fails_once: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@contextmanager
def running_front(behind: str) -> Iterator[AwsFront]:
    """In front of the server at `behind`, on a free port of the loopback."""
    front = AwsFront()
    netloc = urlsplit(behind).netloc

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            action = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            front.asked.append(action)
            if action in front.fails:
                self._fail(front.fails[action])
                return
            through = http.client.HTTPConnection(netloc, timeout=20)
            try:
                through.request("POST", self.path, body=body, headers=dict(self.headers))
                answer = through.getresponse()
                said = answer.read()
            finally:
                through.close()
            code = front.fails_once.pop(action, None) or front.fails_after.get(action)
            if code is not None:
                self._fail(code)
                return
            self._answer(answer.status, said)

        def _fail(self, code: str) -> None:
            self._answer(STATUSES[code], json.dumps({"__type": code, "message": "as told"}).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    front.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield front
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
