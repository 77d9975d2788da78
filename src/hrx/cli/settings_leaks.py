"""`hrx settings leaks`: look for secrets where they must not be. No value is ever printed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.machine import join_stack
from hrx.cli.options import AsJson
from hrx.kit.errors import Invalid, Text
from hrx.kit.settings import load
from hrx.ops.ledger.entries import open_ledger
from hrx.ops.ledger.reading_text import stream_texts
from hrx.ops.release.environments.fingerprints import load_key
from hrx.ops.release.leaks.allowed import FILE, read_allowed
from hrx.ops.release.leaks.own import know_own
from hrx.ops.release.leaks.places import (
    Piece,
    PlaceKind,
    read_build,
    read_history,
    read_logs,
    read_rows,
    read_tree,
)
from hrx.ops.release.leaks.remembering import CleanBlobs
from hrx.ops.release.leaks.scanning import Leak, ScanReport, scan
from hrx.ops.settings import HOME, OpsSettings

_SHOWN: Final = 200


def leaks(
    places: Annotated[
        list[str] | None,
        typer.Argument(help="tree, history, build, log, ledger; all of them when none is named."),
    ] = None,
    refs: Annotated[str, typer.Option("--refs", help="History of these refs, such as HEAD.")] = "--all",
    build: Annotated[
        Path | None, typer.Option("--build", help="The web build; web/.next by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look for secrets in the tree, history, web build, logs and ledger. Exit code 1 when one is found."""
    wanted = _read_kinds(places or [])
    join_stack()
    settings = load(OpsSettings)
    pieces = chain.from_iterable(_open(kind, settings, refs=refs, build=build) for kind in wanted)
    clean = CleanBlobs(settings.var_dir / "ops" / "leaks-clean.json")
    key = load_key(settings.fingerprint_key_location)
    report = scan(
        pieces,
        key=key,
        known=know_own(settings, key),
        allowed=read_allowed(HOME / FILE),
        clean=clean,
    )
    clean.save()
    if as_json:
        output.show_json({"is_clean": report.is_clean, **asdict(report)})
    else:
        _show(report)
    if not report.is_clean:
        raise typer.Exit(output.FAILED)


def _open(kind: PlaceKind, settings: OpsSettings, *, refs: str, build: Path | None) -> Iterator[Piece]:
    if kind is PlaceKind.TREE:
        yield from read_tree(HOME)
    elif kind is PlaceKind.HISTORY:
        yield from read_history(HOME, refs=refs)
    elif kind is PlaceKind.BUILD:
        yield from read_build(build or HOME / "web" / ".next")
    elif kind is PlaceKind.LOG:
        yield from read_logs(settings.var_dir / "log")
    else:
        ledger = open_ledger(settings.ledger_location)
        try:
            yield from read_rows(stream_texts(ledger.store))
        finally:
            ledger.store.close()


def _read_kinds(names: list[str]) -> list[PlaceKind]:
    try:
        return [PlaceKind(name) for name in names] or list(PlaceKind)
    except ValueError as error:
        kinds = ", ".join(kind.value for kind in PlaceKind)
        raise Invalid(
            Text(ja=f"場所は {kinds} のいずれかです", en=f"A place is one of {kinds}"),
            hint=Text(
                ja="例: `hrx settings leaks tree history`", en="Such as `hrx settings leaks tree history`."
            ),
            code="settings.no_place",
        ) from error


def _show(report: ScanReport) -> None:
    if report.leaks:
        columns = (
            Text(ja="種類", en="kind"),
            Text(ja="場所", en="where"),
            Text(ja="伏せた値", en="masked"),
            Text(ja="指紋", en="fingerprint"),
            Text(ja="除外に使う値", en="digest"),
        )
        rows = [
            (output.say(leak.title), _say_where(leak), leak.masked, leak.fingerprint, leak.digest)
            for leak in report.leaks[:_SHOWN]
        ]
        output.show_table(columns, rows)
    for name in report.not_looked_at:
        print(output.say(Text(ja=f"? 調べていません: {name}", en=f"? not looked at: {name}")))
    for one in report.stale:
        print(
            output.say(
                Text(ja=f"  使われない除外: {one.path}", en=f"  exception that excuses nothing: {one.path}")
            )
        )
    mark = "✓" if report.is_clean else "✗"
    mib = report.size_bytes / 1024**2
    said = Text(
        ja=f"{mark} 見つかった秘密 {len(report.leaks)} 件、理由のある除外 {report.excused} 件"
        f"({report.pieces:,} 件、{mib:.1f} MiB、{report.seconds:.1f} 秒)",
        en=f"{mark} secrets found: {len(report.leaks)}, excused with a reason: {report.excused} "
        f"({report.pieces:,} pieces, {mib:.1f} MiB, {report.seconds:.1f} s)",
    )
    print(output.say(said))
    if report.leaks:
        hint = Text(
            ja="  → 使われている鍵なら、消すだけでは足りません。まず交換してください"
            "(`hrx settings rotate 名前`)。",
            en="  → Removing the text is not enough when the key is in use: replace it first "
            "(`hrx settings rotate NAME`).",
        )
        print(output.say(hint))


def _say_where(leak: Leak) -> str:
    where = f"{leak.path}:{leak.line}"
    return f"{where} ({leak.blob[:10]})" if leak.place is PlaceKind.HISTORY else where
