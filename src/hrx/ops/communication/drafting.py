"""Templates and facts to words: a sandbox that knows only facts, and fails on a name it does not know."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from hrx.kit.errors import Language, Text
from hrx.ops.communication.facts import Facts, to_names
from hrx.ops.ledger.communications import Audience
from hrx.ops.runbook.messages import MessageTemplate
from hrx.ops.runbook.reading import wrong

_BLANKS: Final = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A title and a text, both in both languages."""

    title: Text
    text: Text


def render(template: MessageTemplate, facts: Facts, *, zone: ZoneInfo) -> Words:
    """The words of a template. Raises ContentWrong when it uses what is no fact for its audience."""

    def say(source: Text, language: Language) -> str:
        names = to_names(facts, audience=Audience(template.audience), language=language)
        return render_names(
            source.in_language(language), names, language=language, zone=zone, place=template.id
        )

    return Words(
        title=Text(ja=say(template.title, "ja"), en=say(template.title, "en")),
        text=Text(ja=say(template.text, "ja"), en=say(template.text, "en")),
    )


# `Any`: the names of a template.
def render_names(
    source: str, names: Mapping[str, Any], *, language: Language, zone: ZoneInfo, place: str
) -> str:
    """One template in one language over these names only. Raises ContentWrong."""
    try:
        said = _environment(language, zone.key).from_string(source).render(dict(names))
    except TemplateError as error:
        raise wrong(f"messages/{place}.yaml ({language})", str(error)) from error
    return _BLANKS.sub("\n\n", said).strip()


def say_moment(at: datetime, *, language: Language, zone: ZoneInfo) -> str:
    """A moment in the readers' zone; English gives UTC beside it."""
    here = at.astimezone(zone)
    if language == "ja":
        return f"{here.month}月{here.day}日 {here:%H:%M}"
    return f"{here.day} {here:%B} {here:%H:%M} {here.tzname()} ({at.astimezone(UTC):%H:%M} UTC)"


def say_duration(length: timedelta, *, language: Language) -> str:
    """A duration to the minute, at least one."""
    minutes = max(1, round(length.total_seconds() / 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    units = ("日", "時間", "分") if language == "ja" else ("d", "h", "min")
    parts = [f"{n} {unit}" for n, unit in zip((days, hours, rest), units, strict=True) if n]
    return " ".join(parts[:2])


@lru_cache(maxsize=8)
def _environment(language: Language, zone_key: str) -> ImmutableSandboxedEnvironment:
    zone = ZoneInfo(zone_key)
    environment = ImmutableSandboxedEnvironment(
        # Words are plain text; every page that shows them escapes them.
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    allowed: dict[str, Callable[..., Any]] = {
        "moment": lambda at: say_moment(at, language=language, zone=zone),
        "duration": lambda length: say_duration(length, language=language),
    }
    kept = ("join", "map", "lower", "length")
    environment.filters = {name: environment.filters[name] for name in kept} | allowed
    environment.globals.clear()
    return environment
