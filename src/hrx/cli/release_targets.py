"""`hrx release targets`: the places that a release may go to, and what each still lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.options import AsJson
from hrx.kit.errors import HrxError, Text
from hrx.kit.settings import load
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.releasing import Deployment, find_live
from hrx.ops.targets.vendors import VENDORS, Vendor, list_lacks, open_vendor

_MACHINE: Final = Text(ja="すべて(このマシン)", en="everything (this machine)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One target: what it lacks, and, when it was asked, what is live there or why it does not answer."""

    vendor: Vendor
    lacks: tuple[str, ...]
    live: Deployment | None = None
    error: HrxError | None = None


def targets(
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask each that lacks nothing what is live there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Places that a release may go to, and what each still lacks. Exit code 1 when one does not answer."""
    settings = load(OpsSettings)
    standings = [_look(vendor, settings, ask=ask) for vendor in VENDORS]
    if as_json:
        output.show_json({"items": [_machine(), *(_document(one, ask=ask) for one in standings)]})
    else:
        _show(standings, ask=ask)
    if any(one.error is not None for one in standings):
        raise typer.Exit(output.FAILED)


def _look(vendor: Vendor, settings: OpsSettings, *, ask: bool) -> Standing:
    lacks = list_lacks(vendor, settings)
    if lacks or not ask:
        return Standing(vendor=vendor, lacks=lacks)
    target = open_vendor(vendor.name, settings, state_dir=settings.var_dir / "release" / "targets")
    try:
        return Standing(vendor=vendor, lacks=(), live=find_live(target.list_deployments()))
    except HrxError as error:
        return Standing(vendor=vendor, lacks=(), error=error)
    finally:
        target.close()


def _show(standings: list[Standing], *, ask: bool) -> None:
    columns = (
        Text(ja="名前", en="Name"),
        Text(ja="置くもの", en="Serves"),
        Text(ja="状態", en="State"),
    )
    ready = Text(ja="使えます", en="ready")
    rows = [["machine", output.say(_MACHINE), output.say(ready)]]
    rows += [
        [one.vendor.name, output.say(one.vendor.serves), output.say(_say(one, ask=ask))] for one in standings
    ]
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


def _machine() -> dict[str, object]:
    return {"name": "machine", "serves": output.say(_MACHINE), "lacks": [], "live": None, "error": None}


def _document(one: Standing, *, ask: bool) -> dict[str, object]:
    error = one.error
    return {
        "name": one.vendor.name,
        "serves": output.say(one.vendor.serves),
        "lacks": list(one.lacks),
        "was_asked": ask and not one.lacks,
        "live": {"id": one.live.id, "version": one.live.version} if one.live else None,
        "error": {"code": error.stable_code, "message": output.say(error.message)} if error else None,
    }
