"""`hrx recover …`: copies of the product's data, whether they are any good, and bringing them back."""

from __future__ import annotations

import typer

from hrx.cli import (
    recover_anew,
    recover_copies,
    recover_drill,
    recover_elsewhere,
    recover_files,
    recover_keeping,
    recover_key,
    recover_ledger,
    recover_moments,
    recover_rows,
    recover_standby,
    recover_status,
    recover_switch,
)


def register(app: typer.Typer) -> None:
    """Add `hrx recover`."""
    group = typer.Typer(help="Backups, restored copies, and the way back.", no_args_is_help=True)
    for name, command in (
        ("restore", recover_copies.restore),
        ("copies", recover_copies.list_all),
        ("compare", recover_copies.compare_copy),
        ("remove", recover_copies.remove),
        ("switch", recover_switch.switch),
        ("bring-back", recover_rows.bring_back),
        ("effects", recover_rows.effects),
        ("erasures", recover_rows.erasures),
        ("point", recover_moments.point),
        ("moments", recover_moments.moments),
        ("transactions", recover_moments.transactions),
        ("status", recover_status.status),
        ("backup", recover_keeping.backup),
        ("verify", recover_keeping.verify),
        ("prune", recover_keeping.prune),
        ("drill", recover_drill.drill),
        ("copy", recover_elsewhere.copy),
        ("fetch", recover_elsewhere.fetch),
        ("files", recover_files.files),
        ("settings", recover_elsewhere.settings),
        ("ledger", recover_ledger.ledger),
        ("begin-anew", recover_anew.begin),
    ):
        group.command(name)(command)
    recover_key.register_under(group)
    recover_standby.register_under(group)
    app.add_typer(group, name="recover")
