"""Drills in which somebody was mistaken: rows deleted by hand, a migration that ends half-way."""

from __future__ import annotations

from typing import Final

from hrx.kit import clock
from hrx.kit.errors import NotFound, Text
from hrx.ops.drills.recovery.scratch import Scratch
from hrx.ops.drills.recovery.watching import Watch, read_copy
from hrx.ops.drills.recovery.writing import Loss, Writer
from hrx.ops.recovery import copies
from hrx.ops.recovery.moments import finder, note_version
from hrx.ops.recovery.records import ship
from hrx.ops.recovery.returning import bring_back, plan_return
from hrx.ops.recovery.returning_rows import Scope
from hrx.ops.recovery.stock import read_stock
from hrx.ops.recovery.transactions import Commit, list_commits
from hrx.ops.seams.sessions import opened_session

#: What `hrx recover transactions` names: no alert can know that rows were not meant to go.
BY_RECORDS: Final = "change_records"
_TABLE: Final = "app.person_private"
_DIGEST: Final = f"SELECT count(*), md5(string_agg(p::text, '|' ORDER BY p.person_id)) FROM {_TABLE} AS p"  # noqa: S608


def delete_by_hand(scratch: Scratch, watch: Watch) -> None:
    """Everybody's private rows of one company are deleted while others write on; the living system gets them
    back from the moment before, and keeps what was written since."""
    writer = scratch.start_writer()
    before = scratch.ask(_DIGEST)
    ((tenant, rows),) = scratch.ask(
        f"SELECT tenant_id, count(*) FROM {_TABLE} GROUP BY 1 ORDER BY 2 DESC LIMIT 1"  # noqa: S608
    )
    watch.fault()
    with opened_session(scratch.url(), timeout_s=60, is_read_only=False) as session, session.transaction():
        # As a hurried administrator does it: past triggers and references.
        session.rows("SET LOCAL session_replication_role = replica")
        session.rows(f"DELETE FROM {_TABLE} WHERE tenant_id = {int(str(tenant))}")  # noqa: S608
    mistake, known = find_mistake(scratch, watch, table=_TABLE, what="DELETE", rows=int(str(rows)))
    watch.restore(scratch.site, f"before transaction {mistake.xid}")
    watch.loss = compare_before(scratch, writer, known, mistake)
    scope = Scope(tenant=int(str(tenant)), table=_TABLE)
    with (
        copies.opened_copy(scratch.site, "drill") as copy,
        opened_session(scratch.url("hrx_restore"), timeout_s=60, is_read_only=False) as living,
    ):
        planned = plan_return(copy, living, scope)
        done = bring_back(
            copy, living, scope, expected_rows=planned.rows, correlation_id="drill", moment=mistake.at
        )
    watch.rto_s = watch.since_fault_s
    writer.stop()
    watch.is_verified = watch.is_verified and done.rows == rows and scratch.ask(_DIGEST) == before
    said = f"{done.rows:,}"
    watch.hear(
        "brought_back",
        Text(ja=f"{said} 行を稼働中の系に戻しました", en=f"{said} rows are back in the living system"),
    )


def fail_migration(scratch: Scratch, watch: Watch) -> None:
    """A migration commits its first step, which spoils rows, and dies in the second."""
    writer = scratch.start_writer()
    began_at = clock.now()
    watch.fault()
    ledger = scratch.open_ledger()
    try:
        for commit, schema in (("0000000", "0001"), ("badcafe", "0002")):
            note_version(ledger, commit=commit, schema=schema, actor="drill", began_at=began_at)
        scratch.do("UPDATE drill.note SET body = '' WHERE id <= 15000")
        try:
            scratch.do("ALTER TABLE drill.note ALTER COLUMN body TYPE integer USING body::integer")
        except Exception as error:
            if "invalid input syntax" not in str(error):
                raise
        mistake, known = find_mistake(scratch, watch, table="drill.note", what="UPDATE", rows=15_000)
        watch.restore(scratch.site, "before deploy badcafe", find_moment=finder(ledger, scratch.site.folder))
    finally:
        ledger.store.close()
    writer.stop()
    with copies.opened_copy(scratch.site, "drill") as copy:
        spoiled = copy.row("SELECT count(*) FROM drill.note WHERE body = ''")
    watch.is_verified = watch.is_verified and spoiled == (0,)
    copies.remove(scratch.site, "drill")
    # To the very transaction as well: what was written while the migration began is not given up.
    watch.restore(scratch.site, f"before transaction {mistake.xid}")
    watch.loss = compare_before(scratch, writer, known, mistake)
    with copies.opened_copy(scratch.site, "drill") as copy:
        spoiled = copy.row("SELECT count(*) FROM drill.note WHERE body = ''")
    watch.is_verified = watch.is_verified and spoiled == (0,)


def find_mistake(
    scratch: Scratch, watch: Watch, *, table: str, what: str, rows: int
) -> tuple[Commit, list[Commit]]:
    """The transaction that did this to so many rows, as `hrx recover transactions` shows it, with all that
    the records hold. Raises NotFound."""
    scratch.wait_until_received()
    ((file,),) = scratch.ask(f"SELECT pg_relation_filenode('{table}')")
    ship(scratch.site.vault, scratch.site.received_dir)
    stock = read_stock(scratch.site)
    known = list_commits(scratch.site, stock.segments, tail=stock.tail, with_rows=True)
    for one in known:
        if one.rows.get((int(str(file)), what)) == rows:
            watch.hear(
                BY_RECORDS,
                Text(
                    ja=f"変更記録: 取引 {one.xid} が {table} の {rows:,} 行に {what}",
                    en=f"Change records: transaction {one.xid} did {what} to {rows:,} rows of {table}",
                ),
            )
            return one, known
    raise NotFound(
        Text(ja=f"変更記録に {what} が見つかりません", en=f"The change records show no such {what}"),
        code="drill.unnoticed",
    )


def compare_before(scratch: Scratch, writer: Writer, known: list[Commit], mistake: Commit) -> Loss:
    """Exactly the commits that the records have before the mistake must be in the copy, and none after it."""
    positions = {one.xid: one.position for one in known}
    wrote = list(writer.acknowledged)
    # What is not in the records read above came after them, so after the mistake.
    wanted = {one.number for one in wrote if positions.get(one.xid, mistake.position) < mistake.position}
    there = read_copy(scratch)
    lost = [one for one in wrote if one.number in wanted - there]
    seconds = wrote[max(wanted) - 1].at_s - lost[0].at_s if lost else 0.0
    return Loss(commits=len(lost), seconds=round(seconds, 3), is_exact=there == wanted)
