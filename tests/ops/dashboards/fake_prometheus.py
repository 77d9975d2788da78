"""A server on a socket that answers as Prometheus does, well or badly."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

#: One series of an answer: labels, and the value at a moment (None: no sample).
Made = tuple[dict[str, str], Callable[[int], float | None]]


@dataclass(slots=True)
class FakePrometheus:
    """`answers`: part of an expression → its series. Every question is kept in `asked`.

    `hold` keeps answers back while it is cleared; `refuse` answers as to a malformed expression."""

    address: str = ""
    answers: dict[str, list[Made]] = field(default_factory=dict)
    refuse: str | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    held: str = ""

    def series_for(self, expr: str) -> list[Made]:
        return next((made for part, made in self.answers.items() if part in expr), [])


@contextmanager
def running_prometheus() -> Iterator[FakePrometheus]:
    """A fake that answers nothing yet."""
    fake = FakePrometheus()
    fake.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if "/query" not in url.path:
                self.send_error(404)
                return
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            fake.asked.append(asked)
            if fake.held in asked["query"]:
                fake.hold.wait(20)
            code, body = _answer(fake, asked, is_range=url.path.endswith("query_range"))
            sent = json.dumps(body).encode()
            try:
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.hold.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def _answer(fake: FakePrometheus, asked: dict[str, str], *, is_range: bool) -> tuple[int, object]:
    if fake.refuse is not None and fake.refuse in asked["query"]:
        return 400, {"status": "error", "errorType": "bad_data", "error": "parse error"}
    series = fake.series_for(asked["query"])
    if not is_range:
        result = [{"metric": labels, "value": [0, str(value(0))]} for labels, value in series]
        return 200, {"status": "success", "data": {"resultType": "vector", "result": result}}
    moments = range(int(float(asked["start"])), int(float(asked["end"])) + 1, int(float(asked["step"])))
    tracks = [
        {
            "metric": labels,
            "values": [[at, str(found)] for at in moments if (found := value(at)) is not None],
        }
        for labels, value in series
    ]
    return 200, {"status": "success", "data": {"resultType": "matrix", "result": tracks}}
