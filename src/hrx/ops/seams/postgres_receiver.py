"""Looking at the receiver of change records through the database that sends them, as role `hrx_ops`."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import Text
from hrx.ops.check import Fact, Observation
from hrx.ops.seams.looking import LookFailed, look
from hrx.ops.seams.postgres import read_rows

# Both views are shared memory of a few rows. A slot that is lost says so in wal_status.
_RECEIVER_SQL: Final = """
SELECT slot.active AS is_receiving, slot.wal_status,
       sender.state, sender.flush_lsn::text AS flushed,
       pg_wal_lsn_diff(pg_current_wal_lsn(), sender.flush_lsn)::bigint AS behind_bytes
  FROM pg_replication_slots AS slot
  LEFT JOIN pg_stat_replication AS sender ON sender.pid = slot.active_pid
 WHERE slot.slot_name = 'hrx_receiver'
"""


def look_at_receiver(subject: str, url: str, *, timeout_s: float) -> Observation:
    """Whether the database sends its change records to the receiver, and how far behind that is."""
    return look(subject, lambda: _ask(url, timeout_s=timeout_s))


def _ask(url: str, *, timeout_s: float) -> dict[str, Fact]:
    rows = read_rows(url, _RECEIVER_SQL, timeout_s=timeout_s)
    if not rows:
        raise LookFailed(
            Text(
                ja="データベースに受信用のスロット hrx_receiver がありません",
                en="The database has no slot hrx_receiver",
            )
        )
    facts: dict[str, Fact] = dict(rows[0])
    if facts["wal_status"] == "lost":
        raise LookFailed(
            Text(
                ja="受信が遅れすぎ、データベースが取り置きをやめました(スロット lost)",
                en="It was behind for so long that the database let go of its records (slot lost)",
            )
        )
    if not facts["is_receiving"]:
        raise LookFailed(
            Text(ja="データベースは変更を送っていません", en="The database sends nobody its changes")
        )
    return facts
