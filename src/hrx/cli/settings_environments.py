"""`hrx settings matrix|drift|export|import|age`: each environment's settings, without a value shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.machine import join_stack
from hrx.cli.options import AsJson
from hrx.kit import clock
from hrx.kit.errors import HrxError, Invalid, Text
from hrx.kit.secrets import MASK
from hrx.kit.settings import load
from hrx.ops.release.environments.drift import Difference, compare
from hrx.ops.release.environments.looking import Desk, look, look_everywhere, open_desk
from hrx.ops.release.environments.matrix import SettingFinding
from hrx.ops.release.environments.snapshots import (
    Entry,
    Snapshot,
    read_snapshot,
    write_snapshot,
)
from hrx.ops.release.releases import Environment
from hrx.ops.settings import OpsSettings

_MARKS: Final = {
    Difference.SAME: Text(ja="同じ", en="same"),
    Difference.DIFFERENT: Text(ja="違う", en="different"),
    Difference.ONLY_FIRST: Text(ja="前者だけ", en="only in the first"),
    Difference.ONLY_SECOND: Text(ja="後者だけ", en="only in the second"),
}
EnvironmentName = Annotated[str, typer.Argument(help="development, staging or production.")]


def matrix(as_json: AsJson = False) -> None:
    """Settings by environment, and what is wrong with them. Exit code 1 when something is serious."""
    desk = _open()
    seen = look_everywhere(desk)
    if as_json:
        output.show_json(_matrix_document(seen.snapshots, seen.silent, seen.findings))
    else:
        _show_matrix(seen.snapshots, seen.silent, seen.findings)
    if any(finding.is_serious for finding in seen.findings):
        raise typer.Exit(output.FAILED)


def drift(
    first: Annotated[str, typer.Argument(help="An environment, or a file that `export` wrote.")],
    second: Annotated[str, typer.Argument(help="The other one.")],
    everything: Annotated[bool, typer.Option("--all", help="What is as it should be, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """How two environments differ, by keyed fingerprints. Exit code 1 when something should not be so."""
    desk = _open()
    rows = compare(_find(desk, first), _find(desk, second), known=desk.known)
    shown = [row for row in rows if everything or not row.is_wanted]
    if as_json:
        output.show_json(
            [
                {"name": row.name, "difference": row.difference.value, "is_wanted": row.is_wanted}
                for row in shown
            ]
        )
    else:
        columns = (
            Text(ja="名前", en="name"),
            Text(ja="違い", en="difference"),
            Text(ja="判定", en="verdict"),
        )
        good, bad = Text(ja="よい", en="as it should be"), Text(ja="直す", en="to put right")
        output.show_table(
            columns,
            [
                (row.name, output.say(_MARKS[row.difference]), output.say(good if row.is_wanted else bad))
                for row in shown
            ],
        )
        count = sum(not row.is_wanted for row in rows)
        print(
            output.say(
                Text(ja=f"直すもの {count} 件 / {len(rows)} 件", en=f"{count} of {len(rows)} to put right")
            )
        )
    if any(not row.is_wanted for row in rows):
        raise typer.Exit(output.FAILED)


def export(
    environment: EnvironmentName,
    to: Annotated[Path, typer.Option("--to", help="File to write.")],
    as_json: AsJson = False,
) -> None:
    """Write an environment's fingerprints to a file that may be sent elsewhere; no value is in it."""
    desk = _open()
    snapshot = look(desk, _read_name(environment))
    write_snapshot(snapshot, to, key=desk.key)
    document = {"file": str(to), "names": len(snapshot.entries), "key_id": desk.key.id}
    said = Text(
        ja=f"✓ {len(snapshot.entries)} 件を {to} に書き出しました(鍵 {desk.key.id})",
        en=f"✓ {len(snapshot.entries)} names written to {to} (key {desk.key.id})",
    )
    output.show_json(document) if as_json else print(output.say(said))


def take_in(
    file: Annotated[Path, typer.Argument(help="A file that `export` wrote elsewhere.")],
    as_json: AsJson = False,
) -> None:
    """Keep another environment's fingerprints here, for the matrix and the scan for leaks."""
    desk = _open()
    snapshot = read_snapshot(file, key=desk.key)
    path = desk.file_of(snapshot.environment)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_snapshot(snapshot, path, key=desk.key)
    said = Text(
        ja=f"✓ {snapshot.environment} の {len(snapshot.entries)} 件を取り込みました",
        en=f"✓ {len(snapshot.entries)} names of {snapshot.environment} taken in",
    )
    output.show_json({"environment": snapshot.environment.value}) if as_json else print(output.say(said))


def age(as_json: AsJson = False) -> None:
    """How old each secret is and when it is due. Exit code 1 when one is overdue."""
    desk = _open()
    seen = look_everywhere(desk)
    now = clock.now()
    rows = [
        (environment, found)
        for environment, aged in seen.ages.items()
        for found in sorted(aged.values(), key=lambda one: one.since)
    ]
    if as_json:
        output.show_json(
            [
                {
                    "environment": environment.value,
                    "name": one.name,
                    "days": one.days(now),
                    "is_exact": one.is_exact,
                    "max_days": one.max_days,
                    "is_due": one.is_due(now),
                }
                for environment, one in rows
            ]
        )
    else:
        output.show_table(
            (
                Text(ja="環境", en="environment"),
                Text(ja="名前", en="name"),
                Text(ja="日数", en="days"),
                Text(ja="期限", en="limit"),
                Text(ja="", en=""),
            ),
            [
                (
                    environment.value,
                    one.name,
                    f"{'' if one.is_exact else '≥ '}{one.days(now)}",
                    str(one.max_days),
                    output.say(Text(ja="交換の時期", en="due")) if one.is_due(now) else "",
                )
                for environment, one in rows
            ],
        )
    if any(one.is_due(now) for _, one in rows):
        raise typer.Exit(output.FAILED)


def _open() -> Desk:
    join_stack()
    return open_desk(load(OpsSettings))


def _find(desk: Desk, name: str) -> Snapshot:
    if name in set(Environment):
        return look(desk, Environment(name))
    return read_snapshot(Path(name), key=desk.key)


def _read_name(name: str) -> Environment:
    try:
        return Environment(name)
    except ValueError as error:
        raise Invalid(
            Text(ja=f"環境 {name} はありません", en=f"There is no environment {name}"),
            hint=Text(
                ja="development、staging、production のいずれかです。",
                en="One of development, staging, production.",
            ),
            code="settings.no_environment",
        ) from error


def _show_matrix(
    snapshots: Mapping[Environment, Snapshot],
    silent: Mapping[Environment, HrxError],
    findings: tuple[SettingFinding, ...],
) -> None:
    names = sorted({name for snapshot in snapshots.values() for name in snapshot.entries})
    columns = (
        Text(ja="名前", en="name"),
        *(Text(ja=environment.value, en=environment.value) for environment in snapshots),
    )
    rows = [
        (name, *(_say_cell(snapshot.entries.get(name)) for snapshot in snapshots.values())) for name in names
    ]
    output.show_table(columns, rows)
    for environment, error in silent.items():
        print(f"? {environment}: {output.say(error.message)}")
    for finding in findings:
        mark = "✗" if finding.is_serious else "!"
        print(f"{mark} {finding.environment} {finding.name}: {output.say(finding.says)}")
    if not findings:
        print(
            output.say(Text(ja="✓ 見えた環境に問題はありません", en="✓ Nothing is wrong where we could look"))
        )


def _say_cell(entry: Entry | None) -> str:
    if entry is None:
        return "–"
    return entry.shown if entry.shown is not None else f"{MASK} {entry.fingerprint[:6]}"


def _matrix_document(
    snapshots: Mapping[Environment, Snapshot],
    silent: Mapping[Environment, HrxError],
    findings: tuple[SettingFinding, ...],
) -> dict[str, object]:
    return {
        "environments": {
            environment.value: {
                "source": snapshot.source,
                "taken_at": snapshot.taken_at,
                "names": {
                    name: entry.shown if entry.shown is not None else entry.fingerprint
                    for name, entry in snapshot.entries.items()
                },
            }
            for environment, snapshot in snapshots.items()
        },
        "silent": {environment.value: error.stable_code for environment, error in silent.items()},
        "findings": [
            {
                "trouble": finding.trouble.value,
                "environment": finding.environment.value,
                "name": finding.name,
                "says": output.say(finding.says),
                "is_serious": finding.is_serious,
            }
            for finding in findings
        ],
    }
