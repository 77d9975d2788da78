"""`hrx operator …`: who may operate. On this machine, also the way back in when a password is lost."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun, Reason, Yes
from hrx.cli.plane import acting, confirm, new_password, opened, show_done
from hrx.kit.errors import Text
from hrx.ops.operators import accounts
from hrx.ops.operators.roles import ROLE_NAMES, Permission, Role

Name = Annotated[str, typer.Argument(help="The operator's name.")]
NewRole = Annotated[Role, typer.Option("--role", help="viewer, responder, approver or admin.")]


def register(app: typer.Typer) -> None:
    """Add `hrx operator`."""
    group = typer.Typer(help="Operators: people who may sign in to operations.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_all)
    group.command("set-role")(set_role)
    group.command("disable")(disable)
    group.command("enable")(enable)
    group.command("password")(password)
    app.add_typer(group, name="operator")


def create(
    name: Name,
    role: NewRole,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Add an operator; the password is asked for, or read from standard input."""
    with acting(operator, code=code, needs=Permission.MANAGE_OPERATORS) as (plane, actor):
        if not dry_run:
            given = new_password(name)
            accounts.create_operator(plane.ledger, name, role=role, password=given, by=actor.name)
    _done("created", name, Text(ja="追加しました", en="added"), role=role, dry_run=dry_run, as_json=as_json)


def list_all(as_json: AsJson = False) -> None:
    """Every operator with role and last sign-in."""
    with opened() as plane:
        found = accounts.list_operators(plane.ledger)
    if as_json:
        output.show_json({"items": [asdict(item) for item in found]})
        return
    columns = (
        Text(ja="名前", en="Name"),
        Text(ja="権限", en="Role"),
        Text(ja="二要素", en="2nd factor"),
        Text(ja="最後のサインイン (UTC)", en="Last sign-in (UTC)"),
        Text(ja="状態", en="State"),
    )
    rows = [
        [
            item.name,
            output.say(ROLE_NAMES[item.role]),
            "✓" if item.has_totp else "–",
            f"{item.last_sign_in_at:%Y-%m-%d %H:%M}" if item.last_sign_in_at else "–",
            output.say(Text(ja="有効", en="enabled") if item.is_enabled else Text(ja="停止", en="disabled")),
        ]
        for item in found
    ]
    output.show_table(columns, rows)


def set_role(
    name: Name,
    role: NewRole,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Give an operator another role."""
    with acting(operator, code=code, needs=Permission.MANAGE_OPERATORS) as (plane, actor):
        before = accounts.get_operator(plane.ledger, name)
        if not dry_run:
            confirm(
                Text(ja=f"{name}: {before.role} → {role}?", en=f"{name}: {before.role} → {role}?"), yes=yes
            )
            accounts.set_role(plane.ledger, name, role=role, by=actor.name)
    _done(
        "role",
        name,
        Text(ja="権限を変えました", en="has a new role"),
        role=role,
        dry_run=dry_run,
        as_json=as_json,
    )


def disable(
    name: Name,
    reason: Reason,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Lock an operator out at once."""
    with acting(operator, code=code, needs=Permission.MANAGE_OPERATORS) as (plane, actor):
        accounts.get_operator(plane.ledger, name)
        if not dry_run:
            confirm(Text(ja=f"{name} を停止しますか?", en=f"Disable {name}?"), yes=yes)
            accounts.disable_operator(plane.ledger, name, by=actor.name, reason=reason)
    _done("disabled", name, Text(ja="停止しました", en="is disabled"), dry_run=dry_run, as_json=as_json)


def enable(
    name: Name,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Let a disabled operator in again."""
    with acting(operator, code=code, needs=Permission.MANAGE_OPERATORS) as (plane, actor):
        accounts.get_operator(plane.ledger, name)
        if not dry_run:
            confirm(Text(ja=f"{name} を有効にしますか?", en=f"Enable {name}?"), yes=yes)
            accounts.enable_operator(plane.ledger, name, by=actor.name)
    _done("enabled", name, Text(ja="有効にしました", en="is enabled"), dry_run=dry_run, as_json=as_json)


def password(
    name: Name,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Set a new password and sign the operator out everywhere."""
    with acting(operator, code=code, needs=Permission.MANAGE_OPERATORS) as (plane, actor):
        accounts.get_operator(plane.ledger, name)
        if not dry_run:
            given = new_password(name)
            accounts.set_password(plane.ledger, name, password=given, by=actor.name)
    _done(
        "new_password",
        name,
        Text(ja="パスワードを変えました", en="has a new password"),
        dry_run=dry_run,
        as_json=as_json,
    )


def _done(
    change: str, name: str, text: Text, *, dry_run: bool, as_json: bool, role: Role | None = None
) -> None:
    prefix = Text(ja="(試行)", en="(dry run) ") if dry_run else Text(ja="", en="")
    document = {
        "operator": name,
        "change": change,
        "role": role.value if role else None,
        "dry_run": dry_run,
    }
    show_done(
        Text(ja=f"{prefix.ja}{name}: {text.ja}", en=f"{prefix.en}{name}: {text.en}"),
        document,
        as_json=as_json,
    )
