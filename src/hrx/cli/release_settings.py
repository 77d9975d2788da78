"""What a release asks of the settings before anything of it is placed, and the way past it, with a reason."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

import typer

from hrx.cli import output
from hrx.kit.errors import Text
from hrx.kit.settings import SettingDoc
from hrx.ops.ledger.entries import Kind
from hrx.ops.release.environments.looking import open_desk
from hrx.ops.release.environments.readiness import SettingsNotReady, check_settings
from hrx.ops.release.releases import Environment
from hrx.ops.run.plane import Plane

Despite = Annotated[
    str,
    typer.Option("--despite-settings", help="Go on although the settings are not fit; why, for the record."),
]


def require_fit_settings(
    plane: Plane,
    environment: Environment,
    *,
    subject: str,
    actor: str,
    despite: str,
    is_quiet: bool,
    product: Sequence[SettingDoc] | None = None,
    names: Collection[str] | None = None,
) -> None:
    """Refuse a release to settings that are not fit; with a reason it is noted in the ledger instead.

    `product` and `names` as for `check_settings`. Raises SettingsNotReady, what the source
    raises, Unavailable."""
    try:
        unseen = check_settings(open_desk(plane.settings), environment, product=product, names=names)
    except SettingsNotReady as error:
        if not despite.strip():
            raise
        plane.ledger.append(
            Kind.ROLLOUT,
            actor=actor,
            subject=subject,
            body={"act": "despite-settings", "reason": despite.strip(), "said": error.message.en},
        )
        _tell(error.message, is_quiet=is_quiet)
        return
    for one in unseen:
        _tell(
            Text(ja=f"設定を比べられません: {one.ja}", en=f"settings not compared: {one.en}"),
            is_quiet=is_quiet,
        )


def _tell(said: Text, *, is_quiet: bool) -> None:
    if not is_quiet:
        print(f"  ! {output.say(said)}", flush=True)
