"""From values to pages: the template environment, and figures as people read them in each language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from hrx.kit import clock
from hrx.kit.errors import Language, Text
from hrx.ops import words
from hrx.ops.console.navigation import MENU
from hrx.ops.incidents.story import tell
from hrx.ops.ledger.entries import Entry

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
# Raw HTML in content stays text: content is edited by people, and pages have no inline scripts anyway.
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
_MINUTES_FROM_S: Final = 600
_SPARK_WIDTH: Final = 96
_SPARK_HEIGHT: Final = 22


def make_environment() -> Environment:
    """Templates with automatic escaping; an unknown name in a template is an error, not a blank."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        tr=_tr, text=_text, spark=sparkline, word=_word, menu=MENU, zone_name=_zone_name
    )
    environment.filters.update(
        ago=_ago,
        since=_since,
        seconds=_seconds,
        signed=_signed,
        actor=_actor,
        about=_about,
        told=_told,
        moment=_moment,
        exactly=_exactly,
        size=format_size,
        pretty=pretty_json,
        markdown=to_html,
        coded=to_coded,
        loglines=to_log_lines,
    )
    return environment


def _language(context: Context) -> Language:
    return "ja" if context.get("language") == "ja" else "en"


@pass_context
def _tr(context: Context, ja: str, en: str) -> str:
    """A sentence of the template itself, in the reader's language."""
    return ja if _language(context) == "ja" else en


@pass_context
def _text(context: Context, text: Text) -> str:
    """A sentence of content or of an error."""
    return text.in_language(_language(context))


@pass_context
def _word(context: Context, family: str, value: object) -> str:
    """The word for a state, kind or role."""
    return words.find(family, str(value)).in_language(_language(context))


@pass_context
def _ago(context: Context, moment: datetime | None) -> str:
    """How long ago, in the largest unit that says something."""
    if moment is None:
        return "–"
    seconds = max(0.0, (clock.now() - moment).total_seconds())
    duration = format_duration(seconds, language=_language(context))
    return f"{duration}前" if _language(context) == "ja" else f"{duration} ago"


@pass_context
def _since(context: Context, seconds: float | None) -> str:
    """A duration."""
    return "–" if seconds is None else format_duration(seconds, language=_language(context))


@pass_context
def _seconds(context: Context, seconds: float | None) -> str:
    """Seconds to a tenth, for what is compared with a promise; in larger units from ten minutes on."""
    if seconds is None:
        return "–"
    if seconds >= _MINUTES_FROM_S:
        return format_duration(seconds, language=_language(context))
    # Adding zero keeps a tiny negative from being read as "-0".
    return f"{round(seconds, 1) + 0.0:g} {'秒' if _language(context) == 'ja' else 's'}"


@pass_context
def _signed(context: Context, seconds: float) -> str:
    """The same with its sign, for what came after (+) or before (−) something else."""
    sign = "−" if round(seconds, 1) < 0 else "+"
    return sign + str(_seconds(context, abs(seconds)))


@pass_context
def _actor(context: Context, name: str) -> str:
    """Who did something: the name of a person, the word for a part of ours."""
    return words.find_actor(name).in_language(_language(context))


@pass_context
def _about(context: Context, subject: str) -> str:
    """What an entry, a run or a lock is about, as people call it: `part:worker` is the worker."""
    kind, _, name = subject.partition(":")
    language = _language(context)
    if kind == "incident":
        return f"障害 {name}" if language == "ja" else f"incident {name}"
    title = context["part_titles"].get(name) if kind == "part" else None
    return title.in_language(language) if title else subject


@pass_context
def _told(context: Context, entry: Entry) -> str:
    """An entry of the ledger as a sentence, as an incident's time line says it; empty when it says no more
    than its kind."""
    said = tell(entry, zone=context["calendar_zone"], people=context["people_names"])
    return "" if said == words.find("kind", entry.kind.value) else said.in_language(_language(context))


def _moment(moment: datetime | None) -> str:
    """A moment to the second, in this machine's zone, with the zone's name."""
    return "–" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def _zone_name() -> str:
    """The zone in which pages give times of day: this machine's."""
    return clock.now().astimezone().strftime("%Z")


def _exactly(moment: datetime) -> str:
    """A time of day to a tenth of a second, in this machine's zone."""
    return f"{moment.astimezone():%H:%M:%S}.{moment.microsecond // 100_000}"


def format_duration(seconds: float, *, language: Language) -> str:
    """`5 秒` / `5 s`, `3 分` / `3 min`, `2 時間 4 分` / `2 h 4 min`, `6 日 3 時間` / `6 d 3 h`."""
    units = ("日", "時間", "分", "秒") if language == "ja" else ("d", "h", "min", "s")
    whole = round(seconds)
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} {units[0]} {hours} {units[1]}" if hours else f"{days} {units[0]}"
    if hours:
        return f"{hours} {units[1]} {minutes} {units[2]}" if minutes else f"{hours} {units[1]}"
    return f"{minutes} {units[2]}" if minutes else f"{whole} {units[3]}"


def format_size(size_bytes: float | None) -> str:
    """`–`, `512 B`, `84 MB`, `1.2 GB`: binary multiples, as operators are used to."""
    if size_bytes is None:
        return "–"
    value = float(size_bytes)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return "–"


def pretty_json(value: object) -> str:
    """JSON for reading: indented, keys in order, Japanese as Japanese."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str)


def to_log_lines(tail: str) -> str:
    """The end of a log for reading: newest first, our JSON lines as `time level event key=value`."""
    lines = tail.splitlines()
    # The tail was cut by bytes: its first line is the end of one.
    if lines and lines[0].endswith("}") and not lines[0].startswith("{"):
        lines = lines[1:]
    return "\n".join(_to_log_line(line) for line in reversed(lines))


def _to_log_line(line: str) -> str:
    try:
        said = json.loads(line)
        at, level, event = said.pop("at"), said.pop("level"), said.pop("event")
    except (ValueError, KeyError, TypeError, AttributeError):
        return line
    said.pop("process", None)
    details = " ".join(f"{name}={value}" for name, value in said.items() if value is not None)
    return f"{at[11:23]} {level.upper():<7} {event}  {details}".rstrip()


@lru_cache(maxsize=256)
def to_html(markdown: str) -> Markup:
    """Content's Markdown as HTML; tables scroll by themselves on a narrow screen."""
    html = str(_MARKDOWN.render(markdown))
    html = html.replace("<table>", '<div class="scroll" tabindex="0"><table class="plain">')
    # Not user input: it was escaped by the renderer above.
    return Markup(html.replace("</table>", "</table></div>"))  # noqa: S704


@lru_cache(maxsize=256)
def to_coded(said: str) -> Markup:
    """A sentence with what stands between backticks as code, so that nobody reads the ticks aloud."""
    parts = said.split("`")
    if len(parts) % 2 == 0:
        return escape(said)
    return Markup("").join(
        Markup("<code>{}</code>").format(one) if at % 2 else escape(one) for at, one in enumerate(parts)
    )


def sparkline(values: Sequence[float | None]) -> Markup:
    """The last looks as a small line; a look without an answer is a gap with a mark at the bottom."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    top = max(*known, 1.0)
    step = _SPARK_WIDTH / 59
    offset = _SPARK_WIDTH - step * (len(values) - 1)
    runs: list[list[str]] = [[]]
    marks = []
    for at, value in enumerate(values):
        x = offset + at * step
        if value is None:
            runs.append([])
            marks.append(f'<rect x="{x:.1f}" y="{_SPARK_HEIGHT - 3}" width="1.6" height="3"/>')
        else:
            runs[-1].append(f"{x:.1f},{_SPARK_HEIGHT - 2 - value / top * (_SPARK_HEIGHT - 4):.1f}")
    lines = "".join(f'<polyline points="{" ".join(run)}"/>' for run in runs if len(run) > 1)
    # Numbers of ours only.
    return Markup(  # noqa: S704
        f'<svg class="spark" viewBox="0 0 {_SPARK_WIDTH} {_SPARK_HEIGHT}" aria-hidden="true">'
        f"{lines}{''.join(marks)}</svg>"
    )


# `Any`: each template has its own values.
def render(environment: Environment, template: str, values: Mapping[str, Any]) -> str:
    return environment.get_template(template).render(values)
