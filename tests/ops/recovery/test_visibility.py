"""What an increment brings back wrongly: deleted rows that an index still counts as visible to all."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrx.ops.recovery.basebackup import take_backup
from hrx.ops.recovery.checks.pages import check_pages
from hrx.ops.recovery.copy_server import Ground, conninfo_of
from hrx.ops.recovery.planning import Target
from hrx.ops.recovery.records import ship
from hrx.ops.recovery.restoring import Restored
from hrx.ops.recovery.vault import Vault
from hrx.ops.recovery.visibility import checksum_of, clear_stale_marks
from hrx.ops.seams.sessions import opened_session
from tests.ops.recovery.conftest import Living
from tests.ops.recovery.test_restoring import Receiver, ground, receiver, restore

__all__ = ("ground", "receiver")
pytestmark = [pytest.mark.req("R6.1-2"), pytest.mark.timeout(300)]
PAGE = 8192


def by_index(restored: Restored) -> tuple[int, int]:
    """Rows by reading them, and by the index alone."""
    with opened_session(conninfo_of(restored.cluster), timeout_s=10) as session:
        session.rows(
            "SET enable_indexonlyscan = off; SET enable_bitmapscan = off; SET enable_indexscan = off"
        )
        rows = session.row("SELECT count(*) FROM marked")
        session.rows("RESET ALL; SET enable_seqscan = off; SET enable_bitmapscan = off")
        index = session.row("SELECT count(*) FROM marked")
        assert rows is not None
        assert index is not None
        found = check_pages(session)
        assert found.is_well, found.said.en
    return int(rows[0]), int(index[0])


def test_rows_deleted_before_an_increment_are_not_brought_back_by_its_index(
    living: Living, receiver: Receiver, vault: Vault, ground: Ground
) -> None:
    living.execute("DROP TABLE IF EXISTS marked")
    living.execute("CREATE TABLE marked (id int PRIMARY KEY) WITH (autovacuum_enabled = off)")
    living.execute("INSERT INTO marked SELECT generate_series(1, 5000)")
    living.execute("VACUUM (FREEZE) marked")
    full = take_backup(vault, living.source, parent=None, timeout_s=60)
    living.execute("DELETE FROM marked WHERE id <= 100")
    increment = take_backup(vault, living.source, parent=full, timeout_s=60)
    living.execute("SELECT pg_switch_wal()")
    receiver.wait_for(living)
    ship(vault, receiver.directory)
    restored = restore(vault, receiver, ground, Target())
    assert increment.parent == full.id
    assert by_index(restored) == (4900, 4900)


def test_checksums_are_those_of_the_server_and_an_empty_page_keeps_its_mark(
    living: Living, tmp_path: Path
) -> None:
    living.execute("DROP TABLE IF EXISTS marked")
    living.execute("CREATE TABLE marked (id int PRIMARY KEY) WITH (autovacuum_enabled = off)")
    living.execute("INSERT INTO marked SELECT generate_series(1, 5000)")
    living.execute("VACUUM (FREEZE) marked")
    living.execute("CHECKPOINT")
    (row,) = living.execute("SELECT pg_relation_filepath('marked')")
    source = living.cluster.data_dir / str(row[0])
    folder = tmp_path / "base" / "5"
    folder.mkdir(parents=True)
    heap = bytearray(source.read_bytes())
    before = source.with_name(f"{source.name}_vm").read_bytes()
    main, marks = folder / "16384", folder / "16384_vm"
    for block in range(3):
        page = bytes(heap[block * PAGE : block * PAGE + PAGE])
        assert checksum_of(page, block) == int.from_bytes(page[8:10], "little")
    main.write_bytes(heap)
    marks.write_bytes(before)
    assert clear_stale_marks(tmp_path) == 0
    assert marks.read_bytes() == before
    heap[PAGE + 10] &= ~0x04 & 0xFF
    heap[2 * PAGE : 3 * PAGE] = bytes(PAGE)
    main.write_bytes(heap)
    assert clear_stale_marks(tmp_path) == 1
    after = marks.read_bytes()
    assert (before[24], after[24]) == (0xFF, 0xF3), (
        "the second page alone; the third is lost, and stays marked"
    )
    assert int.from_bytes(after[8:10], "little") == checksum_of(after[:PAGE], 0)
    assert clear_stale_marks(tmp_path) == 0, "again it finds nothing to do"
