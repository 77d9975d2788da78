"""What readers ask for on the public page: sealed at once, so that this process cannot read it back.

It knows no address afterwards, no subscriber, and not whether anybody is one."""

from __future__ import annotations

import os
import re
import uuid
from collections import deque
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

import orjson

from hrx.kit import clock
from hrx.kit.errors import Language

#: Requests are a few hundred bytes.
BODY_MAX: Final = 4096
_WAITING_MAX: Final = 1000
_ABOUT: Final = "status-request"
_ADDRESS: Final = re.compile(r"[^\s@<>\",;:()\[\]\\]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_TOKEN: Final = re.compile(r"\d{1,12}\.[0-9a-f]{32}")
_PER_SOURCE: Final = 5
_IN_ALL: Final = 120
_WINDOW_S: Final = 3600.0
_SOURCES_MAX: Final = 10_000


class Spool:
    """The folder where requests wait for the plane, and how many are taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lately: dict[str, deque[float]] = {}
        self._all: deque[float] = deque()

    def subscribe(self, body: bytes, *, source: str) -> int:
        """Take a request for mail; gives the HTTP status: 202, 422, 429 or 503."""
        fields = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        address = fields.get("address", "").strip()
        # A field that people do not see: whoever fills it in is a program.
        if fields.get("website"):
            return 202
        if len(address) > 254 or not _ADDRESS.fullmatch(address):
            return 422
        if not self._may(source):
            return 429
        language = "en" if fields.get("language") == "en" else "ja"
        return self._drop({"verb": "subscribe", "address": address, "language": language})

    def follow(self, verb: str, token: str, *, source: str) -> int:
        """Take what a link of a mail asks for; whether it is good is the plane's affair."""
        if not _TOKEN.fullmatch(token):
            return 422
        if not self._may(source):
            return 429
        return self._drop({"verb": verb, "token": token})

    def _may(self, source: str) -> bool:
        now = clock.monotonic_s()
        if len(self._lately) > _SOURCES_MAX:
            self._lately.clear()
        mine = self._lately.setdefault(source, deque())
        for times in (mine, self._all):
            while times and times[0] < now - _WINDOW_S:
                times.popleft()
        if len(mine) >= _PER_SOURCE or len(self._all) >= _IN_ALL:
            return False
        mine.append(now)
        self._all.append(now)
        return True

    def _drop(self, asked: dict[str, str]) -> int:
        # Loaded only when somebody asks: most of this process's life nobody does.
        from hrx.kit.sealing import seal_for

        try:
            public = (self._folder / "public.key").read_bytes()
            if len(list(self._folder.glob("*.request"))) >= _WAITING_MAX:
                return 503
            name = uuid.uuid4().hex
            draft = self._folder / f".{name}.new"
            draft.write_bytes(seal_for(public, orjson.dumps(asked), about=_ABOUT))
            os.chmod(draft, 0o600)
            draft.replace(self._folder / f"{name}.request")
        except OSError:
            return 503
        return 202


_SAID: Final = {
    ("subscribe", 202): (
        "確認のメールを送りました。メールのリンクを開くと登録が終わります。",
        "We have sent you a mail. Open its link to finish.",
    ),
    ("confirm", 202): ("購読を始めました。", "You are subscribed."),
    ("leave", 202): (
        "購読をやめました。アドレスは消えました。",
        "You are unsubscribed; the address is deleted.",
    ),
    ("", 422): ("アドレスまたはリンクが正しくありません。", "This address or link is not valid."),
    ("", 429): (
        "受付が多すぎます。1 時間後にもう一度お試しください。",
        "Too many tries. Please try again in an hour.",
    ),
    ("", 503): (
        "今は受け付けられません。しばらくしてお試しください。",
        "Not available now. Please try again later.",
    ),
}
_ASKED: Final = {
    "confirm": ("お知らせをメールで受け取りますか?", "Get the news by mail?", "購読する", "Subscribe"),
    "leave": ("購読をやめますか?", "Stop the mail?", "購読をやめる", "Unsubscribe"),
}


def say_done(verb: str, status: int, *, language: Language) -> bytes:
    """The page after a request."""
    ja, en = _SAID.get((verb, status)) or _SAID[("", status)]
    return _page(f"<h1>{en if language == 'en' else ja}</h1>", language=language)


def say_question(verb: str, token: str, *, language: Language) -> bytes | None:
    """The page that a mail's link opens; None for a link that is none. Programs press no buttons."""
    if not _TOKEN.fullmatch(token):
        return None
    ask_ja, ask_en, do_ja, do_en = _ASKED[verb]
    ask, do = (ask_en, do_en) if language == "en" else (ask_ja, do_ja)
    form = f'<form method="post" action="{verb}?token={token}"><button>{do}</button></form>'
    return _page(f"<h1>{ask}</h1>{form}", language=language)


def _page(inner: str, *, language: Language) -> bytes:
    back = "Current status" if language == "en" else "現在の状態"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex"><title>HRX-AI</title>'
        '<link rel="stylesheet" href="status.css"></head><body><main id="main">'
        f'{inner}<p><a href="index.{language}.html">{back}</a></p></main></body></html>'
    ).encode()
