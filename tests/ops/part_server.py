"""A stand-in part: a process that answers /readyz and /version like the real ones, told by a file how to be.

The file holds `ready`, `degraded`, `not_ready`, `slow` or `crash` (exits at start). Started by the real
supervisord of the tests; it imports nothing of the product."""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MOOD = Path(sys.argv[2])


class Handler(BaseHTTPRequestHandler):
    """The two answers of a part."""

    def do_GET(self) -> None:
        mood = MOOD.read_text().strip()
        if mood == "slow":
            time.sleep(30)
        if self.path.endswith("version"):
            self.answer(200, {"version": "9.9.9", "commit": "abc1234", "slot": "none"})
            return
        degraded = ["cache"] if mood == "degraded" else []
        self.answer(503 if mood == "not_ready" else 200, {"status": mood, "degraded": degraded})

    def answer(self, code: int, body: dict[str, object]) -> None:
        payload = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


if MOOD.read_text().strip() == "crash":
    sys.exit("crashing as told")
print("part started, password=hunter2secret", flush=True)
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
