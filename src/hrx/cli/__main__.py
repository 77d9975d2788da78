"""`hrx <noun> <verb>`: every file of this folder that has a `register` adds its commands."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import typer
import typer.main

import hrx.cli
from hrx.cli import output
from hrx.cli.helping import explain_wrong_use, speak_operators_language
from hrx.cli.up import join_stack
from hrx.kit.errors import HrxError

#: What commands share; the other files of this folder are nouns.
_NO_NOUNS = ("helping", "japanese", "options", "output")
#: What shells give a program that was stopped with Ctrl-C (128 + SIGINT).
INTERRUPTED = 130


def build() -> typer.Typer:
    """The command line with the commands of every noun."""
    app = typer.Typer(
        name="hrx",
        help="HRX-AI: start, look, plan, run, record.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    # A command set of one command would otherwise lose its name.
    app.callback()(_root)
    for module in sorted(pkgutil.iter_modules(hrx.cli.__path__), key=lambda found: found.name):
        if module.name.startswith("__") or module.name in _NO_NOUNS:
            continue
        register = getattr(importlib.import_module(f"hrx.cli.{module.name}"), "register", None)
        if register is not None:
            register(app)
    return app


def _root() -> None:
    """HRX-AI: start, look, plan, run, record."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command; every expected error becomes a message, a next step and an exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        if given[:1] not in (["up"], ["down"]):
            join_stack()
        command = typer.main.get_command(build())
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
