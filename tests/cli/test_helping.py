"""Help in both languages, and wrong use that says what is wrong and where to read what is right."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import typer.main
from typer import rich_utils

from hrx.cli.__main__ import build, main
from hrx.cli.helping import list_help, speak_operators_language
from hrx.cli.japanese import load_files, load_japanese

_TITLES = ("OPTIONS_PANEL_TITLE", "ARGUMENTS_PANEL_TITLE", "COMMANDS_PANEL_TITLE", "REQUIRED_LONG_STRING")


@pytest.fixture(autouse=True)
def _titles_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library keeps its titles in module variables; ours must not outlive a test."""
    for name in _TITLES:
        monkeypatch.setattr(rich_utils, name, getattr(rich_utils, name))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


# `Any`: the library's classes of commands and options are private to it.
def list_options(command: Any) -> list[Any]:
    below = getattr(command, "commands", {}).values()
    return [*command.params, *(option for one in below for option in list_options(one))]


def test_every_help_text_has_its_japanese_and_no_japanese_is_left_over() -> None:
    written, japanese = list_help(typer.main.get_command(build())), load_japanese()
    assert written - japanese.keys() == set()
    assert japanese.keys() - written == set()


def test_the_japanese_of_a_noun_stands_in_its_own_file_and_only_there() -> None:
    files = load_files()
    nouns = getattr(typer.main.get_command(build()), "commands", {})
    for noun, command in nouns.items():
        assert files[noun.replace("-", "_")].keys() <= list_help(command), noun
    assert files.keys() == {noun.replace("-", "_") for noun in nouns} | {"everywhere"}
    assert sum(map(len, files.values())) == len(load_japanese()), "something is translated twice"


@pytest.mark.parametrize("flag", ["--operator", "--code", "--dry-run", "--yes", "--json", "--param"])
def test_an_option_of_many_commands_says_the_same_in_each(flag: str) -> None:
    said = {option.help for option in list_options(typer.main.get_command(build())) if flag in option.opts}
    assert len(said) == 1, said


def test_help_is_in_the_operators_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HRX_LANGUAGE", "ja")
    command = typer.main.get_command(build())
    speak_operators_language(command)
    assert all(any(letter > "\u3000" for letter in text) for text in list_help(command))


@pytest.mark.parametrize(
    ("arguments", "english", "japanese", "where"),
    [
        (("frob",), "No such command 'frob'", "コマンド「frob」はありません", "hrx --help"),
        (("check", "--nope"), "No such option: --nope", "オプション --nope はありません", "hrx check --help"),
        (("procedure", "run"), "Missing argument 'what'", "what を指定", "hrx procedure run --help"),
        (
            ("ledger", "show", "x"),
            "Invalid value for 'seq'",
            "seq の値が正しくありません",
            "ledger show --help",
        ),
        (
            ("operator", "create", "sato", "--role", "king"),
            "'king' is not one of 'viewer'",
            "--role の値が正しくありません",
            "hrx operator create --help",
        ),
    ],
)
def test_wrong_use_ends_with_2_and_the_command_that_helps(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    english: str,
    japanese: str,
    where: str,
) -> None:
    for language, said in (("en", english), ("ja", japanese)):
        monkeypatch.setenv("HRX_LANGUAGE", language)
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (2, "")
        assert said in err
        assert where in err


def test_wrong_use_is_json_for_whoever_asked_for_json(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ledger", "show", "x", "--json"])
    assert ended.value.code == 2
    told = json.loads(capfdbinary.readouterr().out)
    assert told["error"]["code"] == "cli.wrong_use"


def test_the_bare_command_and_a_bare_noun_show_their_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HRX_LANGUAGE", "en")
    code, out, err = run(capsys)
    assert (code, err) == (0, "")
    assert "procedure" in out
    code, out, err = run(capsys, "procedure")
    assert (code, err) == (2, "")
    assert "approve" in out


def test_a_noun_alone_has_what_it_has_beside_all_others() -> None:
    """Only the files of the noun that is asked for are loaded."""

    def describe(command: Any) -> Any:
        below = getattr(command, "commands", {})
        return {name: describe(one) for name, one in below.items()} or [one.opts for one in command.params]

    whole = getattr(typer.main.get_command(build()), "commands", {})
    assert len(whole) > 20
    for noun, command in whole.items():
        alone = getattr(typer.main.get_command(build(noun)), "commands", {})
        assert {name: describe(one) for name, one in alone.items()} == {noun: describe(command)}


def test_who_mistypes_a_noun_is_told_of_all() -> None:
    whole = getattr(typer.main.get_command(build()), "commands", {})
    assert getattr(typer.main.get_command(build("relaese")), "commands", {}).keys() == whole.keys()


@pytest.mark.parametrize(
    ("noun", "heavy"),
    [
        ("status", ("sqlalchemy", "alembic", "httpx", "hrx.ops.release", "hrx.cli.release")),
        ("logs", ("alembic", "hrx.ops.release", "hrx.cli.release")),
        ("release", ("hrx.app", "hrx.ops.console", "hrx.cli.incident")),
    ],
)
def test_a_command_loads_nothing_that_only_others_need(noun: str, heavy: tuple[str, ...]) -> None:
    program = f"import sys; from hrx.cli.__main__ import build; build({noun!r}); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert [name for name in done.stdout.split() if name.startswith(heavy)] == []
