"""Drills in which it is the keeping that fails: receiver, archive, key, clock, ledger."""

from __future__ import annotations

import io
import shutil
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import psutil

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.drills.recovery.scratch import Scratch, wait_until
from hrx.ops.drills.recovery.watching import Watch, read_copy
from hrx.ops.drills.recovery.writing import Loss, find_loss
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.store import file_of
from hrx.ops.recovery.key_care import check_key_file
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.ledger_copy import copy_ledger, list_copies, restore_ledger
from hrx.ops.recovery.proofs import list_proofs
from hrx.ops.recovery.records import list_segments, ship
from hrx.ops.recovery.stock import read_stock
from hrx.ops.recovery.transactions import list_commits

#: No file of the keeper may grow beyond it: what a full disk is to a segment of 16 MiB.
_FULL_AT_KIB: Final = 128
_JUMP: Final = timedelta(hours=2)
_CHURN: Final = "UPDATE drill.note SET body = repeat(md5(random()::text || id), 8)"
#: Of the minute between two copies of the ledger.
_AFTER_COPY_S: Final = 45.0
#: Entries of the ledger before its copy is taken, and after.
_KEPT: Final = 50
_ENTRIES: Final = 5


def stick_receiver(scratch: Scratch, watch: Watch) -> None:
    """The receiver hangs: it neither ends nor receives, while the database goes on."""
    writer = scratch.start_writer()
    receiver = _family(scratch)
    watch.fault()
    for one in receiver:
        one.send_signal(signal.SIGSTOP)
    watch.wait_for_trouble(scratch.site, "not_receiving", within_s=120)
    # What a person does then: end it. The supervisor starts another.
    scratch.stop_receiver()
    scratch.start_receiver()
    scratch.wait_until_kept()
    writer.stop()
    scratch.wait_until_received()
    watch.restore(scratch.site, "latest")
    watch.loss = find_loss(writer, read_copy(scratch), fault_at_s=clock.monotonic_s())


def fill_archive_disk(scratch: Scratch, watch: Watch) -> None:
    """The backups' disk takes nothing more, so that the second way's spool fills up; production goes on."""
    writer = scratch.start_writer()
    scratch.stop_keeper()
    watch.fault()
    scratch.start_keeper(largest_file_kib=_FULL_AT_KIB)

    def has_let_go() -> bool:
        scratch.do(_CHURN, "SELECT pg_switch_wal()")
        return (scratch.site.archived_dir / "let-go").exists()

    wait_until(has_let_go, what="the spool", within_s=120)
    watch.wait_for_trouble(scratch.site, "spool_let_go")
    held = len(writer.acknowledged)
    wait_until(lambda: len(writer.acknowledged) > held + 100, what="the writer")
    ((waiting,),) = scratch.ask("SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'")
    # Room again.
    scratch.stop_keeper()
    scratch.start_keeper()
    writer.stop()
    scratch.wait_until_received()
    watch.restore(scratch.site, "latest")
    watch.loss = find_loss(writer, read_copy(scratch), fault_at_s=clock.monotonic_s())
    watch.is_verified = watch.is_verified and int(str(waiting)) <= 2


def lose_key(scratch: Scratch, watch: Watch) -> None:
    """The key file is gone; then another key lies in its place. Only what somebody kept of it helps."""
    writer = scratch.start_writer()
    site, escrow = scratch.site, scratch.home / "escrow.key"
    shutil.copyfile(site.key_file, escrow)
    watch.fault()
    site.key_file.unlink()
    # Another object each time: the keys of one that was opened before stay in its memory.
    watch.wait_for_trouble(replace(site), "key_missing")
    watch.expect_refusal(lambda: watch.restore(replace(site), "latest"))
    create_key(site.key_file)
    watch.expect_refusal(lambda: check_key_file(site.folder, site.key_file))
    checked = check_key_file(site.folder, escrow)
    shutil.copyfile(escrow, site.key_file)
    watch.hear(
        "key_checked",
        Text(ja=f"控えの鍵で {checked.opened} を開けました", en=f"The kept key opens {checked.opened}"),
    )
    writer.stop()
    scratch.wait_until_received()
    watch.restore(replace(site), "latest")
    watch.loss = find_loss(writer, read_copy(scratch), fault_at_s=clock.monotonic_s())


def jump_clock(scratch: Scratch, watch: Watch) -> None:
    """Change records carry arrival times of a clock that was two hours ahead, and a person names a moment by
    it. The clock itself is not moved: the server's own times of commits stay right."""
    writer = scratch.start_writer()
    scratch.do(_CHURN, "SELECT pg_switch_wal()")
    ((moment,),) = scratch.ask("SELECT clock_timestamp()")
    meant = moment if isinstance(moment, datetime) else clock.now()
    wrote = len(writer.acknowledged)
    wait_until(lambda: len(writer.acknowledged) > wrote + 50, what="the writer")
    scratch.do(_CHURN, "SELECT pg_switch_wal()", "SELECT pg_switch_wal()")
    writer.stop()
    scratch.wait_until_received()
    scratch.stop_keeper()
    ship(scratch.site.vault, scratch.site.received_dir)
    watch.fault()
    _shift_arrivals(scratch)
    said = (meant + _JUMP).astimezone(UTC).isoformat()
    watch.expect_refusal(lambda: watch.restore(scratch.site, said))
    watch.restore(scratch.site, meant.astimezone(UTC).isoformat())
    stock = read_stock(scratch.site)
    commits = list_commits(scratch.site, stock.segments, tail=stock.tail)
    in_time = {one.xid for one in commits if one.at <= meant}
    wanted = {one.number for one in writer.acknowledged if one.xid in in_time}
    there = read_copy(scratch)
    watch.loss = Loss(commits=len(wanted - there), seconds=0.0, is_exact=there == wanted)


def _shift_arrivals(scratch: Scratch) -> None:
    vault = scratch.site.vault
    for one in list_segments(vault):
        content = io.BytesIO()
        vault.read_into(one.name, content)
        content.seek(0)
        vault.put(replace(one, received_at=one.received_at + _JUMP).name, content)
        vault.delete(one.name)


def lose_ledger(scratch: Scratch, watch: Watch) -> None:
    """The operations' ledger is gone from the disk; what was written since its last copy cannot come back."""
    site, url = scratch.site, scratch.site.settings.ledger_location
    path = file_of(url)
    if path is None:
        raise ValueError("the scratch ledger is a file")
    # What the keeper does after its first proof is written into the ledger: not meanwhile.
    wait_until(lambda: bool(list(list_proofs(site.folder))), what="the first proof", within_s=120)
    ledger = scratch.open_ledger()
    for number in range(_KEPT):
        ledger.append(Kind.LOOK, actor="drill", subject=f"before:{number}")
    kept, head = ledger.head()
    # By the keeper itself, and lost just before its next copy: right after one there would be little to lose.
    wait_until(lambda: list_copies(site.vault)[0].head_hash == head, what="the ledger's copy", within_s=120)
    copied_at_s = clock.monotonic_s()
    for number in range(_ENTRIES):
        ledger.append(Kind.LOOK, actor="drill", subject=f"after:{number}")
    ledger.store.close()
    wait_until(lambda: clock.monotonic_s() - copied_at_s > _AFTER_COPY_S, what="the time to pass")
    watch.fault()
    for one in path.parent.glob(f"{path.name}*"):
        one.unlink()
    lost_s = round(clock.monotonic_s() - copied_at_s, 3)
    # By the keeper's own door, which the rules and `hrx status` read; it copies the ledger once a minute.
    watch.wait_for_duty(site, "ledger", within_s=120)
    watch.expect_refusal(lambda: copy_ledger(site.vault, url))
    restored = restore_ledger(site.vault, url, actor="drill")
    back = scratch.open_ledger()
    try:
        # One more: that it was restored.
        is_exact = back.count() == kept + 1 and restored.copy.head_hash == head
        watch.is_verified = back.verify().is_valid
    finally:
        back.store.close()
    watch.rto_s = watch.since_fault_s
    watch.loss = Loss(commits=_ENTRIES, seconds=lost_s, is_exact=is_exact)
    watch.written = _KEPT + _ENTRIES


def _family(scratch: Scratch) -> list[psutil.Process]:
    if scratch.receiver is None:
        return []
    parent = psutil.Process(scratch.receiver.pid)
    return [*parent.children(recursive=True), parent]
