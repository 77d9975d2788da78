"""How a command speaks: text or JSON, in the operator's language, with an exit code that scripts can trust.

0 done · 1 failed · 2 wrong use · 3 somebody holds the lock · 4 refused for safety."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import orjson
from rich.console import Console
from rich.table import Table

from hrx.kit.errors import HrxError, Invalid, Language, Refused, Text
from hrx.kit.secrets import mask_text
from hrx.ops import words

DONE: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2
LOCKED: Final = 3
REFUSED: Final = 4


def language() -> Language:
    """The operator's language: HRX_LANGUAGE, else the terminal's LANG, else English."""
    chosen = os.environ.get("HRX_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG", "")
    return "ja" if chosen.startswith("ja") else "en"


def say(text: Text) -> str:
    """The sentence in the operator's language."""
    return text.in_language(language())


def word(family: str, value: str) -> str:
    """The word for a state, kind or role, as the console's pages say it too."""
    return say(words.find(family, str(value)))


def actor(name: str) -> str:
    """Who did something, as the console's pages say it too."""
    return say(words.find_actor(name))


def moment(at: datetime, *, to_second: bool = False) -> str:
    """A moment of these days in this machine's zone, with the zone's name: `11-26 15:02 UTC`."""
    return at.astimezone().strftime("%m-%d %H:%M:%S %Z" if to_second else "%m-%d %H:%M %Z")


def duration(seconds: float) -> str:
    """`5 min` or `2 h 4 min`, with its sign when it is negative."""
    minutes = round(abs(seconds) / 60)
    units = ("時間", "分") if language() == "ja" else ("h", "min")
    hours = f"{minutes // 60} {units[0]} " if minutes >= 60 else ""
    rest = f"{minutes % 60} {units[1]}" if minutes % 60 or not hours else ""
    return ("−" if seconds < 0 and minutes else "") + f"{hours}{rest}".strip()


def exit_code_of(error: HrxError) -> int:
    """Class of error → exit code; the only place that knows."""
    if error.stable_code.replace(".", "_").endswith("lock_held"):
        return LOCKED
    if isinstance(error, Refused):
        return REFUSED
    if isinstance(error, Invalid):
        return WRONG_USE
    return FAILED


def show_error(error: HrxError, *, as_json: bool) -> None:
    """What happened and what to type next: on standard error as text, on standard output as JSON."""
    hint = say(error.hint) if error.hint else None
    if as_json:
        fields = [{"field": item.field, "message": say(item.message)} for item in error.fields]
        document = {"code": error.stable_code, "message": say(error.message), "hint": hint, "fields": fields}
        show_json({"error": document})
        return
    print(f"✗ {mask_text(say(error.message))}", file=sys.stderr)
    for item in error.fields:
        print(f"    {item.field}: {say(item.message)}", file=sys.stderr)
    if hint:
        print(f"  → {mask_text(hint)}", file=sys.stderr)


def show_json(document: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str) + b"\n")
    sys.stdout.flush()


def show_table(columns: Sequence[Text], rows: Sequence[Sequence[str]], *, title: Text | None = None) -> None:
    """A table as wide as the terminal needs; piped output is never cut."""
    table = Table(title=say(title) if title else None, title_justify="left", header_style="bold", box=None)
    for column in columns:
        table.add_column(say(column), overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 200, soft_wrap=False).print(table)


def show_facts(facts: Sequence[tuple[Text, str]]) -> None:
    """A few named facts, one a line, their values under each other."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(f"  {say(name)}", value)
    Console(width=None if sys.stdout.isatty() else 200, soft_wrap=False).print(table)
