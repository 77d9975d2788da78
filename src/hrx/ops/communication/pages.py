"""The status page's files, rendered from its document: they work on any static host, without us."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hrx.kit.errors import LANGUAGES, Language, Text
from hrx.ops.communication.calendar_file import render_calendar
from hrx.ops.communication.document import STATE_WORDS
from hrx.ops.communication.feed import render_feeds

_HERE: Final = Path(__file__).parent
_ASSETS: Final = ("status.css", "age.js", "mark.svg")
_KINDS: Final[Mapping[str, Text]] = {
    "first": Text(ja="発生", en="Reported"),
    "update": Text(ja="続報", en="Update"),
    "resolution": Text(ja="解決", en="Resolved"),
    "report": Text(ja="報告", en="Report"),
}
_HEADLINES: Final[Mapping[str, Text]] = {
    "operational": Text(ja="すべて正常に動いています", en="Everything is working"),
    "maintenance": Text(ja="メンテナンス中です", en="Maintenance in progress"),
    "recovering": Text(ja="回復を確認しています", en="Recovering; we are watching"),
    "degraded": Text(ja="一部の機能に障害があります", en="Some features are impaired"),
    "outage": Text(ja="使えない機能があります", en="Some features are down"),
}


# `Any`: the document is JSON.
def render_files(
    document: Mapping[str, Any], *, written_at: datetime, base_url: str, zone: ZoneInfo
) -> dict[str, bytes]:
    """Every file of the page by name. `index.html` is the Japanese page."""
    stamped = {**document, "written_at": written_at.isoformat(timespec="seconds")}
    files: dict[str, bytes] = {name: (_HERE / "static" / name).read_bytes() for name in _ASSETS}
    files["status.json"] = orjson.dumps(stamped, option=orjson.OPT_INDENT_2)
    for language in LANGUAGES:
        files |= render_feeds(document, base_url=base_url, language=language)
        files[f"maintenance.{language}.ics"] = render_calendar(document, base_url=base_url, language=language)
        for page in ("index", "history"):
            files[f"{page}.{language}.html"] = _render(
                f"status_{page}.html", stamped, language=language, page=page, zone=zone
            )
    files["index.html"] = files["index.ja.html"]
    return files


def _render(
    template: str, document: Mapping[str, Any], *, language: Language, page: str, zone: ZoneInfo
) -> bytes:
    def tr(ja: str, en: str) -> str:
        return ja if language == "ja" else en

    def moment(said: str | None) -> str:
        if not said:
            return "–"
        at = datetime.fromisoformat(said).astimezone(zone)
        if language == "ja":
            return f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}"
        return f"{at.day} {at:%B %Y, %H:%M} {at.tzname()}"

    text = (
        _environment()
        .get_template(template)
        .render(
            language=language,
            other="en" if language == "ja" else "ja",
            page=page,
            status=document,
            tr=tr,
            moment=moment,
            say=lambda words: words[language],
            state_word=lambda state: STATE_WORDS[state].in_language(language),
            kind_word=lambda kind: _KINDS[kind].in_language(language),
            headline=_HEADLINES[document["overall"]].in_language(language),
            zone=zone.key,
        )
    )
    return text.encode()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
