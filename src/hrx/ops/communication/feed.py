"""The status page as feeds: RSS and Atom, one entry for each word that was published."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from feedgen.feed import FeedGenerator

from hrx.kit.errors import Language

_ENTRIES: Final = 50
_TITLES: Final = {"ja": "HRX-AI 稼働状況", "en": "HRX-AI status"}


# `Any`: the document of the status page is JSON.
def _say_work(work: Mapping[str, Any]) -> dict[str, str]:
    when = f"{work['starts_at']} – {work['ends_at']}"
    mark = (
        {"ja": "中止しました。", "en": "Cancelled. "}
        if work["state"] == "cancelled"
        else {"ja": "", "en": ""}
    )
    return {language: f"{mark[language]}{when}\n{work['text'][language]}" for language in ("ja", "en")}


# `Any`: the document of the status page is JSON.
def render_feeds(document: Mapping[str, Any], *, base_url: str, language: Language) -> dict[str, bytes]:
    """`feed.<language>.rss` and `.atom`. Equal documents give equal feeds but for RSS's build date."""
    feed = FeedGenerator()
    feed.id(f"{base_url}/index.{language}.html")
    feed.title(_TITLES[language])
    feed.link(href=f"{base_url}/index.{language}.html", rel="alternate")
    feed.description(_TITLES[language])
    feed.language(language)
    entries = [
        (update["at"], incident, update)
        for incident in document["incidents"]
        for update in incident["updates"]
    ]
    entries += [
        (work["published_at"], work, {"id": work["state"], "text": _say_work(work)})
        for work in document["maintenance"]
    ]
    newest = sorted((entry for entry in entries if entry[0]), key=lambda entry: str(entry[0]))[-_ENTRIES:]
    for at, incident, update in newest:
        moment = datetime.fromisoformat(at)
        entry = feed.add_entry(order="prepend")
        entry.id(f"{base_url}/index.{language}.html#{incident['id']}-{update['id']}")
        entry.title(incident["title"][language])
        entry.link(href=f"{base_url}/index.{language}.html#{incident['id']}")
        entry.content(update["text"][language], type="text")
        entry.published(moment)
        entry.updated(moment)
    if newest:
        feed.updated(datetime.fromisoformat(newest[-1][0]))
    return {
        f"feed.{language}.rss": bytes(feed.rss_str(pretty=True)),
        f"feed.{language}.atom": bytes(feed.atom_str(pretty=True)),
    }
