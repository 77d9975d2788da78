"""`hrx recover point|moments|transactions`: which moment one might go back to."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.options import AsJson
from hrx.cli.plane import machine_actor, opened, show_done
from hrx.cli.recover_elsewhere import note_if_possible, this_site
from hrx.kit.errors import HrxError, Text
from hrx.ops.ledger.entries import Kind
from hrx.ops.recovery.living import opened_living
from hrx.ops.recovery.moments import list_moments
from hrx.ops.recovery.planning import list_line
from hrx.ops.recovery.points import make_point
from hrx.ops.recovery.records import ship
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.stock import read_stock
from hrx.ops.recovery.targets import say_moment
from hrx.ops.recovery.transactions import Commit, list_commits
from hrx.ops.recovery.wal import format_lsn

_TABLES: Final = """
SELECT pg_relation_filenode(c.oid)::bigint, n.nspname || '.' || c.relname
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""
_FILES: Final = 4


def point(
    name: Annotated[str, typer.Argument(help="Letters, digits and . _ -")], as_json: AsJson = False
) -> None:
    """Mark this moment with a name to come back to, such as before an import."""
    site = this_site()
    with opened_living(site, is_read_only=False) as session:
        made = make_point(site.folder, session, name, made_by=machine_actor().name)
    body = {"name": made.name, "position": format_lsn(made.position), "at": made.made_at.isoformat()}
    note_if_possible(site, Kind.RESTORE_POINT, body)
    done = Text(
        ja=f"✓ 復元ポイント {name}。戻すときは `hrx recover restore --to point:{name}`",
        en=f"✓ Restore point {name}. Back to it: `hrx recover restore --to point:{name}`",
    )
    show_done(done, body, as_json=as_json)


def moments(as_json: AsJson = False) -> None:
    """Starts of versions, incidents, named points and switches, with what to type to stop before them."""
    site = this_site()
    with opened() as plane:
        found = list_moments(plane.ledger, site.folder)
    if as_json:
        items = [
            {"at": one.at.isoformat(), "what": one.what, "name": one.name, "to": one.target} for one in found
        ]
        output.show_json({"items": items})
        return
    columns = (Text(ja="時刻", en="When"), Text(ja="何が", en="What"), Text(ja="--to に渡す", en="For --to"))
    rows = [[output.say(say_moment(one.at)), output.say(one.says), f'"{one.target}"'] for one in found]
    output.show_table(columns, rows)


def transactions(
    files: Annotated[
        int, typer.Option(help="Look into the newest so many files of change records.", min=1, max=64)
    ] = _FILES,
    least: Annotated[int, typer.Option("--least", help="Only those that touched so many rows.", min=0)] = 100,
    as_json: AsJson = False,
) -> None:
    """Transactions that changed many rows, by table: to find the mistake, and the moment before it."""
    site = this_site()
    ship(site.vault, site.received_dir)
    names = _name_tables(site)
    stock = read_stock(site)
    commits = list_commits(site, list_line(stock)[-files:], tail=stock.tail, with_rows=True)
    told = [(one, _tell(one, names)) for one in commits]
    told = [(one, rows) for one, rows in told if sum(rows.values()) >= least]
    if as_json:
        items = [
            {
                "xid": one.xid,
                "at": one.at.isoformat(),
                "position": format_lsn(one.position),
                "rows": dict(rows),
                "to": f"before transaction {one.xid}",
            }
            for one, rows in told
        ]
        output.show_json({"items": items})
        return
    columns = (
        Text(ja="確定した時刻", en="Committed"),
        Text(ja="行", en="Rows"),
        Text(ja="--to に渡す", en="For --to"),
    )
    rows = [
        [
            output.say(say_moment(one.at)),
            ", ".join(f"{what} {count:,}" for what, count in touched.most_common(4)),
            f'"before transaction {one.xid}"',
        ]
        for one, touched in told
    ]
    output.show_table(columns, rows)


def _tell(commit: Commit, names: dict[int, str]) -> Counter[str]:
    """Rows by table and what was done; of tables of the product only, where their names are known."""
    found: Counter[str] = Counter()
    for (file, what), count in commit.rows.items():
        if not names or file in names:
            found[f"{what} {names.get(file, file)}"] += count
    return found


def _name_tables(site: Site) -> dict[int, str]:
    try:
        with opened_living(site) as session:
            return {int(file): str(name) for file, name in session.rows(_TABLES) if file}
    except HrxError:
        return {}
