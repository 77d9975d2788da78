"""What commands of the operations plane share: opening it, who is asking, and asking before changing."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import typer

from hrx.cli import output
from hrx.cli.machine import join_stack
from hrx.kit import ids, log
from hrx.kit.errors import Invalid, Text
from hrx.kit.settings import load
from hrx.ops.operators.roles import Actor, Permission, Role, require
from hrx.ops.operators.sign_in import authenticate
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.settings import OpsSettings

#: Where scripts put the password of `--operator`; people are asked for it.
PASSWORD_VARIABLE: Final = "HRX_OPERATOR_PASSWORD"  # noqa: S105


@contextmanager
def opened() -> Iterator[Plane]:
    """The plane as the running stack knows it; nothing else has to be up."""
    join_stack()
    settings = load(OpsSettings)
    # Results go to standard output; what goes wrong underneath goes to standard error, as JSON lines.
    log.configure(process="hrx", level="WARNING", stream=sys.stderr)
    log.correlation_id.set(ids.new_correlation_id())
    with opened_plane(settings) as plane:
        yield plane


@contextmanager
def acting(operator: str | None, *, code: str, needs: Permission) -> Iterator[tuple[Plane, Actor]]:
    """The plane, and who is asking, who may do this. Raises Forbidden when their role is too low."""
    with opened() as plane:
        actor = actor_of(plane, operator, code=code)
        require(actor, needs)
        yield plane, actor


def actor_of(plane: Plane, operator: str | None, *, code: str = "") -> Actor:
    """Who is asking: the operator that `--operator` names, proven by password, else this machine's user.

    The machine's user holds the files and may do everything but give a second person's word."""
    if operator is None:
        return machine_actor()
    password = os.environ.get(PASSWORD_VARIABLE) or _ask_password(operator)
    found = authenticate(
        plane.ledger, plane.settings, name=operator, password=password, code=code, address="command line"
    )
    return Actor(name=found.name, role=found.role, is_operator=True)


def machine_actor() -> Actor:
    """This machine's user."""
    return Actor(name=f"machine:{getpass.getuser()}", role=Role.ADMIN, is_operator=False)


def confirm(question: Text, *, yes: bool) -> None:
    """Ask before changing something. Raises typer.Abort on no, Invalid when nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Invalid(
            Text(ja="確認が必要です", en="This needs a confirmation"),
            hint=Text(ja="`--yes` を付けてください。", en="Add `--yes`."),
            code="cli.not_confirmed",
        )
    if not typer.confirm(output.say(question)):
        raise typer.Abort


def new_password(name: str) -> str:
    """A password typed twice at a terminal, or one line of standard input.

    Raises Invalid when there is neither."""
    if sys.stdin.isatty():
        return str(
            typer.prompt(
                output.say(Text(ja=f"{name} の新しいパスワード", en=f"New password of {name}")),
                hide_input=True,
                confirmation_prompt=True,
            )
        )
    given = sys.stdin.readline().rstrip("\n")
    if not given:
        raise Invalid(
            Text(ja="パスワードがありません", en="There is no password"),
            hint=Text(
                ja="標準入力の 1 行目に渡してください。", en="Give it as the first line of standard input."
            ),
            code="cli.no_password",
        )
    return given


def show_done(text: Text, document: Mapping[str, object], *, as_json: bool) -> None:
    """The result of a change, as a line or as JSON."""
    if as_json:
        output.show_json(dict(document))
    else:
        print(output.say(text))


def read_params(pairs: list[str]) -> dict[str, str]:
    """`name=value` pairs. Raises Invalid for anything else."""
    params: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise Invalid(
                Text(ja=f"「{pair}」は 名前=値 の形ではありません", en=f"“{pair}” is not name=value"),
                hint=Text(ja="例: `-p part=worker`", en="Such as `-p part=worker`."),
                code="cli.bad_param",
            )
        params[name] = value
    return params


def _ask_password(operator: str) -> str:
    if not sys.stdin.isatty():
        raise Invalid(
            Text(ja=f"{operator} のパスワードがありません", en=f"The password of {operator} is missing"),
            hint=Text(
                ja=f"環境変数 {PASSWORD_VARIABLE} に入れてください。",
                en=f"Put it into the environment as {PASSWORD_VARIABLE}.",
            ),
            code="cli.no_password",
        )
    return str(typer.prompt(f"{operator}", hide_input=True))
