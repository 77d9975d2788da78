"""What the stand-ins of vendors share: a socket, a token, and faults that are asked for by the kind of call.

A stand-in says what each request is for (`deploy`, `list`, `settings`, …), so that one suite can break the
same step of every vendor."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Fault(StrEnum):
    """What goes wrong with one request."""

    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    TOO_MANY = "429"
    TOO_MANY_LONG = "429 for an hour"
    BROKEN = "500"
    BROKEN_AFTER = "500 after acting"
    HANG = "hang"
    CUT = "cut before acting"
    CUT_AFTER = "cut after acting"


class Cut(Exception):
    """The connection ends without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`body` is parsed JSON, the raw bytes, or None."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class VendorServer:
    """Base of a stand-in: `judge` names a request, `answer` acts on it."""

    def __init__(self) -> None:
        self.url = ""
        self.token = secrets.token_hex(20)
        self.faults: list[tuple[str, Fault]] = []
        self.calls: Counter[str] = Counter()
        self.released = threading.Event()
        self.lock = threading.RLock()
        #: The network goes as soon as a call of this kind was acted on; None brings it back.
        self.dark_after: str | None = None
        self.is_dark = False
        #: Versions whose health path answers 503.
        self.sick: set[str] = set()
        #: Texts that a vendor repeats in its remark about a wrong request.
        self.refuses_settings_with: str | None = None

    def fail_next(self, what: str, fault: Fault, *, times: int = 1) -> None:
        self.faults += [(what, fault)] * times

    def bring_back(self) -> None:
        self.dark_after, self.is_dark = None, False

    def judge(self, request: Request) -> str:
        raise NotImplementedError

    def answer(self, request: Request, what: str) -> Reply:
        raise NotImplementedError

    def is_allowed(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.token}"

    def refuse(self, status: int, code: str, message: str) -> Reply:
        """An error in the vendor's own form."""
        raise NotImplementedError

    def page(self, request: Request) -> Reply | None:
        """A page of a deployment itself: `/site/<id>/<health path>`; None when it is no such request."""
        if not request.path.startswith("/site/"):
            return None
        version = self.version_of(request.path.split("/")[2])
        return Reply(status=503 if version in self.sick else 200, body={"version": version})

    def version_of(self, deployment: str) -> str | None:
        raise NotImplementedError

    def handle(self, request: Request) -> Reply:
        page = self.page(request)
        if page is not None:
            return page
        what = self.judge(request)
        if self.is_dark:
            raise Cut
        self.calls[what] += 1
        fault = self._take(what)
        if fault is Fault.HANG:
            self.released.wait(10)
            raise Cut
        if fault is Fault.CUT:
            raise Cut
        if fault in (Fault.TOO_MANY, Fault.TOO_MANY_LONG):
            refused = self.refuse(429, "too_many_requests", "Rate limit exceeded")
            wait = "0" if fault is Fault.TOO_MANY else "3600"
            return Reply(status=429, body=refused.body, headers={"Retry-After": wait})
        if fault is Fault.BROKEN:
            return self.refuse(500, "internal_error", "Something went wrong")
        if fault is Fault.UNAUTHORIZED or not self.is_allowed(request):
            return self.refuse(401, "unauthorized", "Invalid token")
        if fault is Fault.FORBIDDEN:
            return self.refuse(403, "forbidden", "Not allowed")
        with self.lock:
            reply = self.answer(request, what)
        if what == self.dark_after:
            self.is_dark = True
        if fault is Fault.CUT_AFTER or self.is_dark:
            raise Cut
        if fault is Fault.BROKEN_AFTER:
            return self.refuse(502, "bad_gateway", "Bad gateway")
        return reply

    def _take(self, what: str) -> Fault | None:
        for place, (wanted, fault) in enumerate(self.faults):
            if wanted in (what, "*"):
                del self.faults[place]
                return fault
        return None


@contextmanager
def running(server: VendorServer, *, path: str = "") -> Iterator[None]:
    """On a free port of the loopback, until the block ends; `path` is the beginning of the API's paths."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            split = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            is_json = "json" in headers.get("content-type", "")
            request = Request(
                method=self.command,
                path=split.path,
                query={name: values[0] for name, values in parse_qs(split.query).items()},
                headers=headers,
                body=json.loads(raw) if is_json and raw else None,
                raw=raw,
            )
            try:
                reply = server.handle(request)
            except Cut:
                self.close_connection = True
                return
            content = b"" if reply.body is None else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal of the tests."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listening.server_address[1]}{path}"
    threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield
    finally:
        server.released.set()
        listening.shutdown()
        listening.server_close()


def stamp() -> float:
    """Strictly later with each call, so that what was made later is newer."""
    time.sleep(0.001)
    return time.time()
