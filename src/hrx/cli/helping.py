"""Help and wrong use in the operator's language, for a command line that is written in English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import typer
from typer import rich_utils

from hrx.cli import output
from hrx.cli.japanese import load_japanese
from hrx.kit.errors import Invalid, Text

#: What the library says about wrong use → the same in Japanese.
_WRONG_USE: Final = (
    (r"No such command '(.+?)'", "コマンド「{0}」はありません"),
    (r"No such option: (\S+)", "オプション {0} はありません"),
    (r"Missing (?:argument|option|parameter) '(.+?)'", "{0} を指定してください"),
    (r"Invalid value for '(.+?)': (.+)", "{0} の値が正しくありません: {1}"),
    (r"Option '(.+?)' requires an argument", "{0} には値が必要です"),
    (r"Got unexpected extra arguments? \((.+?)\)", "余分な引数があります: {0}"),
)


# `Any` below: the library's classes of commands and parameters are private to it.
def speak_operators_language(command: Any) -> None:
    """Turn the help of a command and of all below it into Japanese when the operator reads Japanese."""
    if output.language() != "ja":
        return
    rich_utils.OPTIONS_PANEL_TITLE = "オプション"
    rich_utils.ARGUMENTS_PANEL_TITLE = "引数"
    rich_utils.COMMANDS_PANEL_TITLE = "コマンド"
    rich_utils.REQUIRED_LONG_STRING = "[必須]"
    _translate(command, load_japanese())


def list_help(command: Any) -> set[str]:
    """Every help text of a command and of all below it, as written."""
    said = (getattr(item, "help", None) for item in (command, *_params(command)))
    found = {str(text) for text in said if text}
    for below in _below(command):
        found |= list_help(below)
    return found


def explain_wrong_use(error: typer.TyperException) -> Invalid:
    """Wrong use as an error of ours: what is wrong, and where to read what is right."""
    said = error.format_message().removesuffix(".").replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "hrx"
    return Invalid(
        Text(ja=_to_japanese(said), en=said),
        hint=Text(ja=f"使い方: `{where} --help`", en=f"See `{where} --help`."),
        code="cli.wrong_use",
    )


def _to_japanese(said: str) -> str:
    for pattern, sentence in _WRONG_USE:
        found = re.match(pattern, said)
        if found is not None:
            return sentence.format(*found.groups())
    return f"使い方が違います: {said}"


def _translate(command: Any, japanese: Mapping[str, str]) -> None:
    for item in (command, *_params(command)):
        said = getattr(item, "help", None)
        if said:
            item.help = japanese.get(said, said)
    for below in _below(command):
        _translate(below, japanese)


def _params(command: Any) -> tuple[Any, ...]:
    """Arguments and options, `--help` itself too; parameters have no parameters."""
    if not hasattr(command, "get_help_option"):
        return ()
    shows_help = command.get_help_option(command.context_class(command))
    return (*command.params, *([shows_help] if shows_help else []))


def _below(command: Any) -> tuple[Any, ...]:
    return tuple(getattr(command, "commands", {}).values())
