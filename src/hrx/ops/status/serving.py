"""The status page's door. It reads files below one folder and knows nothing else: no ledger, no database.

A plain ASGI application: the framework of the other doors would take a sixth of this process's memory."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import orjson

import hrx
from hrx.kit import clock
from hrx.kit.errors import Language
from hrx.ops.status.asking import BODY_MAX, Spool, say_done, say_question

# `Any`: the shapes of ASGI.
Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

#: The plane writes every 30 s at least; four of those unheard is silence.
SILENT_AFTER_S: Final = 120.0
_NAME: Final = re.compile(r"[a-z]+(\.(ja|en))?\.(html|json|css|js|svg|rss|atom|ics)")
_MARK: Final = b"<!--silence-->"
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "ics": "text/calendar; charset=utf-8",
}
_GUARDS: Final = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; "
        b"form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
#: Readers may keep a page for ten seconds, and an old one for a day when we do not answer at all.
_CACHE: Final = b"public, max-age=10, stale-if-error=86400"
_ASSET_CACHE: Final = b"public, max-age=3600"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent back."""

    status: int
    media_type: str
    body: bytes
    cache: bytes = b"no-store"


class StatusPage:
    """The ASGI application on a folder of written files."""

    def __init__(self, folder: Path, *, commit: str) -> None:
        self._folder = folder
        self._spool = Spool(folder.parent / "spool")
        self._commit = commit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        wanted = headers.get("accept-language", "")
        token = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if scope["method"] == "POST":
            source = find_source(
                (scope.get("client") or ("",))[0], forwarded=headers.get("x-forwarded-for", "")
            )
            body = await _read_body(receive)
            answer = self.take(scope["path"], body, token=token, source=source, accept_language=wanted)
        elif scope["method"] not in ("GET", "HEAD"):
            answer = Answer(status=405, media_type="text/plain", body=b"")
        else:
            answer = self.answer(scope["path"], accept_language=wanted, token=token)
        sent = [
            (b"content-type", answer.media_type.encode()),
            (b"content-length", str(len(answer.body)).encode()),
            (b"cache-control", answer.cache),
            (b"vary", b"accept-language"),
            *_GUARDS,
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": sent})
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})

    def take(
        self, path: str, body: bytes | None, *, token: str, source: str, accept_language: str = ""
    ) -> Answer:
        """The answer to a POST: readers who subscribe, confirm or leave."""
        verb, language = path.removeprefix("/"), choose_language(accept_language)
        if verb not in ("subscribe", "confirm", "leave"):
            return Answer(status=405, media_type="text/plain", body=b"")
        if body is None:
            status = 422
        elif verb == "subscribe":
            status = self._spool.subscribe(body, source=source)
        else:
            status = self._spool.follow(verb, token, source=source)
        said = say_done(verb, status, language=language)
        return Answer(status=status, media_type=_TYPES["html"], body=said)

    def answer(self, path: str, *, accept_language: str = "", token: str = "") -> Answer:
        """The answer to a GET."""
        name = path.removeprefix("/")
        if name in ("confirm", "leave"):
            asked = say_question(name, token, language=choose_language(accept_language))
            return (
                Answer(status=200, media_type=_TYPES["html"], body=asked)
                if asked
                else _absent(accept_language)
            )
        if name in ("livez", "readyz", "version"):
            return self._tell(name)
        if name == "":
            name = f"index.{choose_language(accept_language)}.html"
        elif name in ("ja", "en"):
            name = f"index.{name}.html"
        return self._serve(name) if _NAME.fullmatch(name) else _absent(accept_language)

    def age_s(self) -> float | None:
        """Seconds since the plane last wrote; None when it never did."""
        try:
            found = orjson.loads((self._folder / "status.json").read_bytes())
            return (clock.now() - datetime.fromisoformat(found["written_at"])).total_seconds()
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _serve(self, name: str) -> Answer:
        kind = name.rpartition(".")[2]
        try:
            body = (self._folder / name).read_bytes()
        except OSError:
            is_front = name.startswith("index.")
            return _unwritten("en" if ".en." in name else "ja") if is_front else _absent("")
        if kind == "html":
            language: Language = "en" if ".en." in name else "ja"
            body = body.replace(_MARK, _say_silence(self.age_s(), language=language))
        is_asset = kind in ("css", "js", "svg")
        return Answer(
            status=200, media_type=_TYPES[kind], body=body, cache=_ASSET_CACHE if is_asset else _CACHE
        )

    def _tell(self, name: str) -> Answer:
        age = self.age_s()
        is_silent = age is None or age > SILENT_AFTER_S
        said: dict[str, object] = {
            "livez": {"status": "alive"},
            "readyz": {
                "status": "degraded" if is_silent else "ready",
                "degraded": ["plane_silent"] if is_silent else [],
                "checks": [],
                "age_s": None if age is None else round(age, 1),
            },
            "version": {"version": hrx.__version__, "commit": self._commit, "slot": None},
        }
        return Answer(status=200, media_type="application/json", body=orjson.dumps(said[name]))


def find_source(peer: str, *, forwarded: str) -> str:
    """Who asks, for counting: behind the edge of this machine the address that it saw, else our own peer."""
    if peer in ("127.0.0.1", "::1") and forwarded:
        return forwarded.rpartition(",")[2].strip()
    return peer


async def _read_body(receive: Receive) -> bytes | None:
    """The body; None when it is longer than any request of ours."""
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > BODY_MAX:
            return None
        if not message.get("more_body"):
            return body


def choose_language(accept: str) -> Language:
    """The first language of ours that the reader wants; Japanese when none."""
    for wish in accept.split(","):
        name = wish.strip()[:2].lower()
        if name in ("ja", "en"):
            return "en" if name == "en" else "ja"
    return "ja"


def _say_silence(age_s: float | None, *, language: Language) -> bytes:
    if age_s is None or age_s <= SILENT_AFTER_S:
        return b""
    minutes = int(age_s // 60)
    said = (
        f"この表示は {minutes} 分前のものです。今の状態と違う可能性があります。"
        if language == "ja"
        else f"This page was last updated {minutes} min ago. It may no longer be true."
    )
    return f'<p class="silence" role="alert">{said}</p>'.encode()


def _unwritten(language: Language) -> Answer:
    said = "稼働状況はまだ公開されていません。" if language == "ja" else "No status has been published yet."
    body = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>HRX-AI</title><p>{said}</p>'
    return Answer(status=503, media_type=_TYPES["html"], body=body.encode())


def _absent(accept_language: str) -> Answer:
    is_english = choose_language(accept_language) == "en"
    said, back = (
        ("There is no such page", "To the status page")
        if is_english
        else ("このページはありません", "稼働状況へ戻る")
    )
    language = "en" if is_english else "ja"
    body = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{said} · HRX-AI</title><link rel="icon" href="/mark.svg" type="image/svg+xml">'
        f'<link rel="stylesheet" href="/status.css"></head><body><main><h1>{said}</h1>'
        f'<p><a href="/">{back}</a></p></main></body></html>'
    )
    return Answer(status=404, media_type=_TYPES["html"], body=body.encode())
