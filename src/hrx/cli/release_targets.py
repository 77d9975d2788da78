"""`hrx release targets`: the places that a release may go to, and what each still lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.machine import join_stack
from hrx.cli.options import AsJson
from hrx.cli.release_here import list_here
from hrx.kit.errors import HrxError, Text
from hrx.kit.settings import load
from hrx.ops.release.this_machine import NAME
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.releasing import Deployment, find_live
from hrx.ops.targets.vendors import VENDORS, Vendor, list_lacks, open_vendor

_EVERYTHING: Final = Text(ja="すべて(このマシン)", en="everything (this machine)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One target: what it lacks, and, when it was asked, what is live there or why it does not answer."""

    name: str
    serves: Text
    lacks: tuple[str, ...] = ()
    live: Deployment | None = None
    error: HrxError | None = None


def targets(
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask each that lacks nothing what is live there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Places that a release may go to, and what each still lacks. Exit code 1 when one does not answer."""
    join_stack()
    settings = load(OpsSettings)
    standings = [_look_here(settings, ask=ask), *(_look(one, settings, ask=ask) for one in VENDORS)]
    if as_json:
        output.show_json({"items": [_document(one, ask=ask) for one in standings]})
    else:
        _show(standings, ask=ask)
    if any(one.error is not None for one in standings):
        raise typer.Exit(output.FAILED)


def _look_here(settings: OpsSettings, *, ask: bool) -> Standing:
    if not ask:
        return Standing(name=NAME, serves=_EVERYTHING)
    try:
        return Standing(name=NAME, serves=_EVERYTHING, live=find_live(list_here(settings)))
    except HrxError as error:
        return Standing(name=NAME, serves=_EVERYTHING, error=error)


def _look(vendor: Vendor, settings: OpsSettings, *, ask: bool) -> Standing:
    name, serves, lacks = vendor.name, vendor.serves, list_lacks(vendor, settings)
    if lacks or not ask:
        return Standing(name=name, serves=serves, lacks=lacks)
    target = open_vendor(name, settings, state_dir=settings.var_dir / "release" / "targets")
    try:
        return Standing(name=name, serves=serves, live=find_live(target.list_deployments()))
    except HrxError as error:
        return Standing(name=name, serves=serves, error=error)
    finally:
        target.close()


def _show(standings: list[Standing], *, ask: bool) -> None:
    columns = (
        Text(ja="名前", en="Name"),
        Text(ja="置くもの", en="Serves"),
        Text(ja="状態", en="State"),
    )
    rows = [[one.name, output.say(one.serves), output.say(_say(one, ask=ask))] for one in standings]
    output.show_table(columns, rows)
    for one in standings:
        if one.error is not None:
            output.show_error(one.error, as_json=False)


def _say(one: Standing, *, ask: bool) -> Text:
    if one.lacks:
        listed = ", ".join(one.lacks)
        return Text(ja=f"足りない設定: {listed}", en=f"lacks {listed}")
    if one.error is not None:
        return Text(ja="応答しません", en="does not answer")
    if not ask:
        return Text(ja="設定済み(--ask で確かめます)", en="configured (--ask looks)")
    if one.live is None:
        return Text(ja="使えます。公開中の版はありません", en="ready; nothing is live")
    version = one.live.version or one.live.id
    return Text(ja=f"使えます。公開中: {version}", en=f"ready; live: {version}")


def _document(one: Standing, *, ask: bool) -> dict[str, object]:
    error = one.error
    return {
        "name": one.name,
        "serves": output.say(one.serves),
        "lacks": list(one.lacks),
        "was_asked": ask and not one.lacks,
        "live": {"id": one.live.id, "version": one.live.version} if one.live else None,
        "error": {"code": error.stable_code, "message": output.say(error.message)} if error else None,
    }
