"""An object store as AWS's on a socket (moto), and a network between it and us that can be cut."""

from __future__ import annotations

import logging
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

REGION = "ap-northeast-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """A running store. `client` is AWS's own, `Any` because boto3 makes its classes at run time."""

    endpoint: str
    client: Any

    def make_bucket(self) -> str:
        """A new, empty bucket."""
        name = f"hrx-{secrets.token_hex(6)}"
        self.client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def require_credentials(self, *, after: int) -> None:
        """From the n-th request on, check who asks (and that the signature fits)."""
        host = self.endpoint.removeprefix("http://")
        connection = HTTPConnection(host, timeout=5)
        connection.request("POST", "/moto-api/reset-auth", body=str(after))
        connection.getresponse().read()
        connection.close()

    def list_names(self, bucket: str) -> set[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {one["Key"] for page in pages for one in page.get("Contents", ())}


@contextmanager
def running_s3_server() -> Iterator[S3Server]:
    """The store on a free port of the loopback, until the block ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name=REGION,
    )
    try:
        yield S3Server(endpoint=endpoint, client=client)
    finally:
        server.stop()


@dataclass(slots=True)
class Network:
    """What lies between. `cut_after` bytes it breaks every connection; None lets all through."""

    endpoint: str = ""
    cut_after: int | None = None
    sent: int = 0
    connections: list[socket.socket] = field(default_factory=list)

    def cut(self, *, after: int) -> None:
        self.cut_after, self.sent = after, 0

    def mend(self) -> None:
        self.cut_after = None


@contextmanager
def running_network(target: str) -> Iterator[Network]:
    """A TCP proxy to `target` (http://host:port)."""
    host, _, port = target.removeprefix("http://").partition(":")
    listener = socket.create_server(("127.0.0.1", 0))
    network = Network(endpoint=f"http://127.0.0.1:{listener.getsockname()[1]}")

    def pour(source: socket.socket, into: socket.socket, *, counts: bool) -> None:
        try:
            while chunk := source.recv(1 << 16):
                if counts and network.cut_after is not None:
                    network.sent += len(chunk)
                    if network.sent > network.cut_after:
                        break
                into.sendall(chunk)
        except OSError:
            pass
        finally:
            for one in (source, into):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            there = socket.create_connection((host, int(port)))
            network.connections += [here, there]
            threading.Thread(target=pour, args=(here, there), kwargs={"counts": True}, daemon=True).start()
            threading.Thread(target=pour, args=(there, here), kwargs={"counts": False}, daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield network
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        for one in network.connections:
            one.close()


@dataclass(slots=True)
class SickStore:
    """A store that answers every request with one error."""

    endpoint: str = ""
    status: int = 503
    code: str = "SlowDown"
    requests: int = 0


@contextmanager
def running_sick_store() -> Iterator[SickStore]:
    state = SickStore()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            state.requests += 1
            self.rfile.read(int(self.headers.get("content-length") or 0))
            body = f"<Error><Code>{state.code}</Code><Message>-</Message></Error>".encode()
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = answer
        log_message: Callable[..., None] = lambda *_: None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
