"""`hrx ledger …`: read, verify and take away the record of operations."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import AsJson
from hrx.cli.plane import opened
from hrx.kit.errors import Invalid, Text
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind


def register(app: typer.Typer) -> None:
    """Add `hrx ledger`."""
    group = typer.Typer(help="The append-only record of operations.", no_args_is_help=True)
    group.command("list")(list_entries)
    group.command("show")(show)
    group.command("verify")(verify)
    group.command("export")(export)
    app.add_typer(group, name="ledger")


def list_entries(
    kind: Annotated[str | None, typer.Option(help="Only entries of this kind.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only entries by this actor.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only entries about this, such as part:worker.")] = None,
    text: Annotated[str | None, typer.Option(help="Only entries whose content has this text.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most this many.")] = 30,
    as_json: AsJson = False,
) -> None:
    """The newest entries, newest first."""
    wanted = EntryFilter(kinds=(_read_kind(kind),) if kind else (), actor=actor, subject=subject, text=text)
    with opened() as plane:
        entries = plane.ledger.list_entries(wanted, limit=limit)
    if as_json:
        output.show_json({"items": [asdict(entry) for entry in entries]})
        return
    columns = (
        Text(ja="番号", en="#"),
        Text(ja="日時 (UTC)", en="When (UTC)"),
        Text(ja="種類", en="Kind"),
        Text(ja="誰が", en="Who"),
        Text(ja="対象", en="Subject"),
        Text(ja="実行", en="Run"),
    )
    output.show_table(columns, [_row(entry) for entry in entries])


def show(seq: Annotated[int, typer.Argument(help="The entry's number.")], as_json: AsJson = False) -> None:
    """One entry with all it holds."""
    with opened() as plane:
        entry = plane.ledger.get_entry(seq)
    if not as_json:
        print(" · ".join(cell for cell in _row(entry) if cell))
        print(entry.hash)
    output.show_json(asdict(entry) if as_json else dict(entry.body))


def verify(
    head: Annotated[
        str | None, typer.Option("--expect-head", help="A head hash noted earlier; it must still be there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Walk the whole chain. Exit code 1 when an entry was changed, removed or reordered."""
    with opened() as plane:
        found = plane.ledger.verify()
        has_head = head is None or any(stored.hash == head for stored in plane.ledger.stream())
    is_valid = found.is_valid and has_head
    if as_json:
        output.show_json({**asdict(found), "is_valid": is_valid, "has_expected_head": has_head})
    elif is_valid:
        print(
            output.say(
                Text(ja=f"✓ {found.entries} 件、改ざんなし", en=f"✓ {found.entries} entries, unaltered")
            )
        )
        print(found.head_hash)
    else:
        problem = found.problem or Text(
            ja="控えておいたハッシュの記録がありません", en="the entry with the noted hash is gone"
        )
        print("✗ " + output.say(problem), file=sys.stderr)
    if not is_valid:
        raise typer.Exit(output.FAILED)


def export(
    to: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new file; standard output if unset.")
    ] = None,
) -> None:
    """Every entry as JSON lines, exactly as stored; enough to verify the chain elsewhere."""
    with opened() as plane:
        if to is None:
            for line in plane.ledger.export():
                sys.stdout.buffer.write(line)
            return
        if to.exists():
            raise Invalid(
                Text(ja=f"{to} はすでにあります", en=f"{to} exists already"), code="cli.file_exists"
            )
        with to.open("xb") as file:
            file.writelines(plane.ledger.export())
        count = plane.ledger.count()
    print(output.say(Text(ja=f"{count} 件を {to} に保存しました", en=f"{count} entries written to {to}")))


def _row(entry: Entry) -> list[str]:
    return [
        str(entry.seq),
        f"{entry.at:%Y-%m-%d %H:%M:%S}",
        output.word("kind", entry.kind),
        entry.actor,
        entry.subject,
        entry.run_id,
    ]


def _read_kind(value: str) -> Kind:
    try:
        return Kind(value)
    except ValueError:
        names = " ".join(kind.value for kind in Kind)
        raise Invalid(
            Text(ja=f"種類 {value} はありません", en=f"There is no kind {value}"),
            hint=Text(ja=f"次のいずれかです: {names}", en=f"One of: {names}"),
            code="ledger.unknown_kind",
        ) from None
