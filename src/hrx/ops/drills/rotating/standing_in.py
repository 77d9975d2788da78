"""Issuers and callers of a rehearsal: servers of ours on the loopback that know which keys count.

Issuers answer as the real ones do to a key; callers sign with what they were told, and the programs of the
rehearsal check them by the very functions that the console uses."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from hrx.kit import clock
from hrx.kit.errors import Refused, Text
from hrx.kit.secrets import newest
from hrx.ops.channels.slack import is_from_slack, sign_like_slack
from hrx.ops.operators.sign_in import is_same_token

#: Setting → the setting of its issuer's address, and where below ours that issuer is.
_ISSUERS: Final = {
    "HRX_STRIPE_API_KEY": ("HRX_STRIPE_URL", "/stripe"),
    "HRX_OPENAI_API_KEY": ("HRX_OPENAI_URL", "/openai"),
    "HRX_ANTHROPIC_API_KEY": ("HRX_ANTHROPIC_URL", "/anthropic"),
    "HRX_GOOGLE_API_KEY": ("HRX_GOOGLE_URL", "/google"),
    "HRX_LLM_API_KEY": ("HRX_LLM_URL", "/llm"),
}
_SLACK: Final = "HRX_SLACK_SIGNING_SECRET"
_HOOK: Final = "HRX_OPS_HOOK_TOKEN"  # the name of a secret, not one
_ASK_S: Final = 20.0


@dataclass(slots=True)
class StandIn:
    """`counts`: the keys that each issuer lets in; `slack`: the secret that the caller signs with now."""

    url: str = ""
    counts: dict[str, set[str]] = field(default_factory=dict)
    slack: str = ""
    asked: int = 0

    @property
    def issued(self) -> tuple[str, ...]:
        return tuple(_ISSUERS)

    def addresses(self) -> dict[str, str]:
        """Where programs find the issuers."""
        return {setting: self.url + path for setting, path in _ISSUERS.values()}

    def make_keys(self) -> dict[str, str]:
        """A key for each name with which the rehearsal begins."""
        keys = {name: self.issue(name) for name in _ISSUERS}
        self.slack = secrets.token_hex(16)
        return {**keys, _SLACK: self.slack}

    def issue(self, name: str) -> str:
        """Another key of this issuer beside those that count, as one makes it on its page."""
        key = f"rehearsal-{secrets.token_urlsafe(24)}"
        self.counts.setdefault(_ISSUERS[name][1], set()).add(key)
        return key

    def revoke(self, name: str, *, but: str) -> None:
        """Let no key in but this one, as the last step of a rotation does."""
        self.counts[_ISSUERS[name][1]] = {but}

    def doors(self, *, token_file: Path) -> dict[str, Callable[[Mapping[str, str]], None]]:
        """What a program does with each of its keys: use it at the issuer, or check who calls."""
        issuers = {name: _using(name) for name in _ISSUERS}
        return {**issuers, _SLACK: self._check_slack, _HOOK: _checking_alerts(token_file)}

    def _check_slack(self, known: Mapping[str, str]) -> None:
        at = str(int(clock.now().timestamp()))
        signature = sign_like_slack(self.slack, timestamp=at, body=b"{}")
        if not is_from_slack(known[_SLACK], timestamp=at, signature=signature, body=b"{}"):
            raise _turned_away(_SLACK)


def _using(name: str) -> Callable[[Mapping[str, str]], None]:
    def use(known: Mapping[str, str]) -> None:
        parts = urlsplit(known[_ISSUERS[name][0]])
        # Nothing but the standard library's own: a client that prepares for TLS each time would be the load.
        asking = HTTPConnection(parts.netloc, timeout=_ASK_S)
        try:
            asking.request(
                "GET", f"{parts.path}/use", headers={"Authorization": f"Bearer {newest(known[name])}"}
            )
            status = asking.getresponse().status
        except OSError as error:
            raise _turned_away(f"{name} ({type(error).__name__})") from error
        finally:
            asking.close()
        if status != 200:
            raise _turned_away(f"{name} (HTTP {status})")

    return use


def _checking_alerts(token_file: Path) -> Callable[[Mapping[str, str]], None]:
    def check(known: Mapping[str, str]) -> None:
        if not is_same_token(token_file.read_text(), known[_HOOK]):
            raise _turned_away(_HOOK)

    return check


def _turned_away(what: str) -> Refused:
    return Refused(Text(ja=f"断られました: {what}", en=f"turned away: {what}"), code="rehearsal.turned_away")


@contextmanager
def running_stand_in() -> Iterator[StandIn]:
    """On a free port of the loopback, until the block ends."""
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stand_in.asked += 1
            counts = next(
                (keys for path, keys in stand_in.counts.items() if self.path.startswith(f"{path}/")), None
            )
            if counts is None:
                # What our own programs say of themselves.
                self._answer(200, {"status": "ready", "degraded": []})
            elif self._key() in counts:
                self._answer(200, {"object": "list", "data": []})
            elif self.path.startswith("/google/"):
                self._answer(400, {"error": {"details": [{"reason": "API_KEY_INVALID"}]}})
            else:
                self._answer(401, {"error": {"message": "invalid key"}})

        def _key(self) -> str:
            for header in ("x-api-key", "x-goog-api-key"):
                if self.headers.get(header):
                    return str(self.headers[header])
            return str(self.headers.get("authorization", "")).removeprefix("Bearer ")

        def _answer(self, status: int, document: Mapping[str, object]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Silent: its lines would hold paths only, and there are thousands."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
