"""Drills in which data is gone: the data directory, a page, the whole region."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Refused, Text, Unavailable
from hrx.kit.settings import SecretStr
from hrx.ops.drills.recovery.scratch import Scratch, wait_until
from hrx.ops.drills.recovery.watching import Watch, read_copy
from hrx.ops.drills.recovery.writing import find_loss
from hrx.ops.recovery import copies
from hrx.ops.recovery.backing_up import back_up
from hrx.ops.recovery.basebackup import BackupFailed
from hrx.ops.recovery.claiming import VaultBusy
from hrx.ops.recovery.elsewhere import open_elsewhere
from hrx.ops.recovery.elsewhere_state import read_state, state_file_of
from hrx.ops.recovery.fetching import fetch
from hrx.ops.recovery.ledger_copy import restore_ledger
from hrx.ops.recovery.remembering import SiteMemory
from hrx.ops.recovery.site import Site

_PAGE_BYTES: Final = 8192
_OF_THE_INTERVAL: Final = 0.8
_NOTES: Final = "SELECT count(body) FROM drill.note"


def lose_data_directory(scratch: Scratch, watch: Watch) -> None:
    """`kill -9` of the server, and its directory is gone: an empty one must not come up in its place."""
    writer = scratch.start_writer()
    watch.fault()
    scratch.kill_server()
    gone_at_s = clock.monotonic_s()
    shutil.rmtree(scratch.cluster.data_dir)
    watch.wait_for_trouble(scratch.site, "database_silent")
    try:
        scratch.cluster.init("nobody's", memory=SiteMemory(scratch.site))
    except Refused as error:
        watch.hear_refusal(error)
    watch.restore(scratch.site, "latest")
    writer.stop()
    watch.loss = find_loss(writer, read_copy(scratch), fault_at_s=gone_at_s)


def corrupt_page(scratch: Scratch, watch: Watch) -> None:
    """A page of a table becomes zeros, which PostgreSQL takes for an empty one; then bytes of another turn
    over, which its checksum shows. The full backup taken next brings the loss to light."""
    scratch.do("VACUUM drill.note", "CHECKPOINT")
    ((before,),) = scratch.ask(_NOTES)
    ((file,),) = scratch.ask("SELECT pg_relation_filepath('drill.note')")
    path = scratch.cluster.data_dir / str(file)
    scratch.cluster.stop()
    _write_at(path, 3 * _PAGE_BYTES, bytes(_PAGE_BYTES))
    watch.fault()
    scratch.cluster.start()
    ((after,),) = scratch.ask(_NOTES)
    scratch.wait_until_kept()
    writer = scratch.start_writer()
    # As the keeper does by itself at its time; an increment copies only what was written since.
    back_up(scratch.site, parent=None, why="drill")
    watch.wait_for_trouble(scratch.site, "proof_failed", within_s=120)
    writer.stop()
    scratch.wait_until_received()
    watch.restore(scratch.site, "latest")
    watch.loss = find_loss(writer, read_copy(scratch), fault_at_s=clock.monotonic_s())
    with copies.opened_copy(scratch.site, "drill") as copy:
        back = copy.row(_NOTES)
    watch.is_verified = watch.is_verified and back == (before,) and after != before
    _turn_over(scratch, watch, path)


def _turn_over(scratch: Scratch, watch: Watch, path: Path) -> None:
    with path.open("rb") as table:
        table.seek(5 * _PAGE_BYTES + 4000)
        found = table.read(16)
    _write_at(path, 5 * _PAGE_BYTES + 4000, bytes(255 - one for one in found))

    def is_refused() -> bool:
        try:
            back_up(scratch.site, parent=None, why="drill")
        except VaultBusy:
            return False
        except BackupFailed as error:
            watch.hear_refusal(error)
            return True
        raise Unavailable(
            Text(ja="壊れたページがバックアップされました", en="A page with a wrong checksum was backed up"),
            code="drill.not_refused",
        )

    wait_until(is_refused, what="the backup", within_s=120)


def lose_region(scratch: Scratch, watch: Watch) -> None:
    """Server, receiver, keeper, vault, ledger: all of it gone at once. Left are the copy elsewhere and what
    somebody kept of the key file."""
    writer = scratch.start_writer()
    copied_from = clock.now()

    late = timedelta(seconds=_OF_THE_INTERVAL * scratch.site.settings.offsite_tail_s)

    def is_copied() -> bool:
        state = read_state(state_file_of(scratch.site))
        if state is None or state.copied_at is None or state.covered_at is None:
            return False
        # Just before the next pass: right after one there would be little to lose.
        return state.covered_at > copied_from and clock.now() - state.covered_at > late

    wait_until(is_copied, what="the copy elsewhere", within_s=180)
    escrow = scratch.home / "escrow.key"
    shutil.copyfile(scratch.site.key_file, escrow)
    watch.fault()
    scratch.kill_server()
    gone_at_s = clock.monotonic_s()
    scratch.end_everything()
    shutil.rmtree(scratch.site.layout.var)
    writer.stop()

    new = _new_machine(scratch, escrow)
    try:
        replace(scratch.cluster, data_dir=new.layout.postgres_data).init("x", memory=SiteMemory(new))
    except Refused as error:
        watch.hear_refusal(error)
    place, _ = open_elsewhere(new)
    fetched = fetch(new.vault, place, received_dir=new.received_dir)
    restore_ledger(new.vault, new.settings.ledger_location, actor="drill")
    watch.restore(new, "latest")
    watch.loss = find_loss(writer, read_copy(scratch, new), fault_at_s=gone_at_s)
    watch.hear(
        "fetched",
        Text(
            ja=f"別の場所から {fetched.files} ファイルを取り戻しました",
            en=f"{fetched.files} files came back from elsewhere",
        ),
    )
    copies.remove(new, "drill")


def _new_machine(scratch: Scratch, escrow: Path) -> Site:
    layout = replace(scratch.site.layout, var=scratch.home / "new")
    layout.make_folders()
    settings = scratch.site.settings.model_copy(
        update={
            "var_dir": layout.var,
            "ledger_url": SecretStr(f"sqlite:///{layout.var / 'ops' / 'ledger.sqlite3'}"),
        }
    )
    new = Site(settings=settings, layout=layout)
    shutil.copyfile(escrow, new.key_file)
    new.received_dir.mkdir(parents=True)
    return new


def _write_at(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as table:
        table.seek(at)
        table.write(content)
