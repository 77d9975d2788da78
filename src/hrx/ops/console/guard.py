"""The outermost layer: correlation id, security headers, body limit, metrics, one access line.

Pure ASGI: it must also cover answers that never reach a route."""

from __future__ import annotations

import logging
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hrx.kit import clock, ids, log
from hrx.kit.errors import Text
from hrx.kit.metrics import HttpServerMetrics

_log = logging.getLogger("hrx.http")
#: Alertmanager groups up to a thousand alerts; forms are a few hundred bytes.
MAX_BODY_BYTES: Final = 2 * 1024 * 1024
_METHODS: Final = frozenset({"GET", "POST", "HEAD"})

# No inline script or style anywhere, nothing from elsewhere, no framing, no plugins.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
_SAID: Final = {
    413: Text(
        ja="送られた内容が大きすぎます。短くして、もう一度送ってください。",
        en="What was sent is too large. Make it shorter and send it again.",
    ),
    500: Text(
        ja="コンソールの中で誤りが起きました。もう一度試し、続くときは下の ID でログを調べてください。",
        en="Something broke inside the console. Try again; if it stays, look for the id below in the logs.",
    ),
}
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000")


class Guard:
    """ASGI middleware around the whole console."""

    def __init__(self, app: ASGIApp, *, metrics: HttpServerMetrics, is_https: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._extra = (*_HEADERS, _HSTS) if is_https else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send, self._extra)
        remembered = log.correlation_id.set(exchange.correlation_id)
        try:
            if exchange.is_too_large:
                await exchange.refuse(413)
            else:
                await self._app(scope, exchange.limited(receive), exchange.send)
        # The edge may catch everything: a bug becomes a logged 500 with the id to look for.
        except Exception:
            _log.exception("console.bug")
            if exchange.has_started:
                raise
            await exchange.refuse(500)
        finally:
            self._record(exchange)
            log.correlation_id.reset(remembered)

    def _record(self, exchange: _Exchange) -> None:
        duration_s = clock.monotonic_s() - exchange.started_s
        self._metrics.observe(
            method=exchange.method, route=exchange.route, status=exchange.status, duration_s=duration_s
        )
        _log.info(
            "request",
            extra={
                "fields": {
                    "method": exchange.method,
                    "route": exchange.route,
                    "status": exchange.status,
                    "duration_ms": round(duration_s * 1000, 1),
                    "operator": exchange.scope.get("hrx.operator"),
                }
            },
        )


def _page(status: int, correlation_id: str) -> str:
    """An answer that needs nothing else to work: in both languages, with the id to look for in the logs."""
    said = _SAID.get(status, _SAID[500])
    return (
        f'<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>{status} · HRX-AI</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="/static/mark.svg" type="image/svg+xml">'
        '<link rel="stylesheet" href="/static/console.css"></head><body><main class="error">'
        f'<p class="num bigno">{status}</p><h1>{said.ja}</h1><p class="lead" lang="en">{said.en}</p>'
        f'<p>相関 ID <span lang="en">(correlation id)</span> <code>{correlation_id}</code></p>'
        '<p><a class="button" href="/">概況へ <span lang="en">/ Overview</span></a></p></main></html>\n'
    )


class _BodyTooLarge(Exception):
    """More bytes arrived than were declared or allowed."""


class _Exchange:
    """One request and what was seen of its answer."""

    def __init__(self, scope: Scope, send: Send, extra: tuple[tuple[bytes, bytes], ...]) -> None:
        self.scope = scope
        self._send = send
        self._extra = extra
        headers = dict(scope["headers"])
        self.correlation_id = ids.accept_correlation_id(
            headers.get(b"x-correlation-id", b"").decode("latin-1")
        )
        self.method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        declared = headers.get(b"content-length", b"0")
        self.is_too_large = not declared.isdigit() or int(declared) > MAX_BODY_BYTES
        self.status = 499
        self.has_started = False
        self.started_s = clock.monotonic_s()

    @property
    def route(self) -> str:
        """The template of the route; never the path, which holds ids."""
        context = (self.scope.get("fastapi") or {}).get("effective_route_context")
        template = getattr(context, "path_format", None) or getattr(self.scope.get("route"), "path", None)
        return template if isinstance(template, str) else "unmatched"

    def limited(self, receive: Receive) -> Receive:
        """The body, cut off with an error when it grows past the limit without having said so."""
        received = 0

        async def read() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise _BodyTooLarge
            return message

        return read

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_started = True
            self.status = int(message["status"])
            message = {**message, "headers": [*message["headers"], *self._headers(message)]}
        await self._send(message)

    async def refuse(self, status: int) -> None:
        body = _page(status, self.correlation_id).encode()
        start: dict[str, Any] = {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"text/html; charset=utf-8"),
                (b"content-length", str(len(body)).encode()),
            ],
        }
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body})

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        names = {name for name, _ in message["headers"]}
        added = [
            *self._extra,
            (b"x-correlation-id", self.correlation_id.encode()),
            (b"content-security-policy", _POLICY.encode()),
        ]
        if b"cache-control" not in names:
            added.append((b"cache-control", b"no-store"))
        return added
