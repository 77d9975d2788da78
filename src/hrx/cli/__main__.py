"""`hrx <noun> <verb>`: every file of this folder that has a `register` adds its commands.

A file is named after its noun, so only the files of the noun that is asked for are loaded: all of them, with
what they stand on, take ten times as long as most commands."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import typer
import typer.main

import hrx.cli
from hrx.cli import output
from hrx.cli.helping import explain_wrong_use, speak_operators_language
from hrx.cli.machine import join_stack
from hrx.kit.errors import HrxError

#: What commands share; the other files of this folder are nouns.
_NO_NOUNS = ("helping", "japanese", "options", "output")
#: What shells give a program that was stopped with Ctrl-C (128 + SIGINT).
INTERRUPTED = 130


def build(noun: str | None = None) -> typer.Typer:
    """The command line with the commands of one noun, or of every noun when there is none of that name."""
    app = typer.Typer(
        name="hrx",
        help="HRX-AI: start, look, plan, run, record.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    # A command set of one command would otherwise lose its name.
    app.callback()(_root)
    for name in _list_files(noun) or _list_files(None):
        register = getattr(importlib.import_module(f"hrx.cli.{name}"), "register", None)
        if register is not None:
            register(app)
    return app


def _list_files(noun: str | None) -> list[str]:
    """Names of the files with commands; of one noun: the file that is called so, or those that begin so."""
    found = sorted(module.name for module in pkgutil.iter_modules(hrx.cli.__path__))
    files = [name for name in found if not name.startswith("__") and name not in _NO_NOUNS]
    if noun is None:
        return files
    word = noun.replace("-", "_")
    return [name for name in files if name == word] or [name for name in files if name.startswith(f"{word}_")]


def _root() -> None:
    """HRX-AI: start, look, plan, run, record."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command; every expected error becomes a message, a next step and an exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        if given[:1] not in (["up"], ["down"]):
            join_stack()
        command = typer.main.get_command(build(given[0] if given else None))
        speak_operators_language(command)
        # `hrx` alone is a question, not a mistake.
        code = command.main(args=given or ["--help"], prog_name="hrx", standalone_mode=False)
    except HrxError as error:
        output.show_error(error, as_json="--json" in given)
        sys.exit(output.exit_code_of(error))
    except typer.TyperException as error:
        # A noun without a verb has had its help shown; there is nothing to add.
        if error.format_message():
            output.show_error(explain_wrong_use(error), as_json="--json" in given)
        sys.exit(output.WRONG_USE)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else output.DONE)


if __name__ == "__main__":
    main()
