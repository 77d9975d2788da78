"""The ledger: only appended to, chained, tamper-evident, shared by processes; SQLite and PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrx.kit import clock, log
from hrx.kit.errors import NotFound, Unavailable
from hrx.ops import lock
from hrx.ops.ledger.chain import GENESIS, StoredEntry, hash_entry, verify_chain
from hrx.ops.ledger.entries import EntryFilter, Kind, Ledger, open_ledger
from tests.conftest import PostgresServer

pytestmark = pytest.mark.req("R5.4-1")
COLUMNS = ("at", "kind", "actor", "subject", "run_id", "correlation_id", "body", "prev_hash", "hash")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty store of each kind that the plane supports."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'deep' / 'ledger.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    yield _empty_database(server)


def _empty_database(server: PostgresServer) -> str:
    import secrets

    import psycopg

    name = f"ledger_{secrets.token_hex(6)}"
    with psycopg.connect(server.admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.admin_url.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + f"/{name}"


def fill(ledger: Ledger, *, entries: int = 5) -> None:
    for number in range(entries):
        ledger.append(Kind.LOOK, actor="aoki", subject="part:worker", body={"number": number}, run_id="run1")


def test_what_was_appended_is_read_back(any_url: str) -> None:
    ledger = open_ledger(any_url)
    log.correlation_id.set("corr-1234")
    entry = ledger.append(Kind.FINDING, actor="aoki", subject="part:api", body={"状態": "停止"}, run_id="r")
    read = ledger.get_entry(entry.seq)
    assert read == entry
    assert read.body == {"状態": "停止"}
    assert read.correlation_id == "corr-1234"
    assert ledger.find_last(Kind.FINDING, subject="part:api") == entry
    with pytest.raises(NotFound):
        ledger.get_entry(99)
    ledger.store.close()


def test_entries_are_filtered_and_paged_newest_first(any_url: str) -> None:
    ledger = open_ledger(any_url)
    fill(ledger, entries=7)
    ledger.append(Kind.PLAN, actor="baba", subject="part:api", body={"reason": "50% & _"})
    assert [entry.seq for entry in ledger.list_entries(limit=3)] == [8, 7, 6]
    assert [entry.seq for entry in ledger.list_entries(EntryFilter(before_seq=3))] == [2, 1]
    assert [e.seq for e in ledger.list_entries(EntryFilter(kinds=(Kind.PLAN,)))] == [8]
    assert [e.seq for e in ledger.list_entries(EntryFilter(actor="baba"))] == [8]
    assert [e.seq for e in ledger.list_entries(EntryFilter(text="50%"))] == [8]
    assert len(ledger.list_run("run1")) == 7
    assert ledger.count() == 8
    ledger.store.close()


def test_an_untouched_chain_verifies(any_url: str) -> None:
    ledger = open_ledger(any_url)
    assert ledger.verify().is_valid
    fill(ledger)
    found = ledger.verify()
    assert found.is_valid
    assert found.entries == 5
    assert ledger.head() == (5, found.head_hash)
    ledger.store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET actor = 'x' WHERE seq = 2",
        "DELETE FROM entry WHERE seq = 5",
        "UPDATE head SET seq = 2",
        "DELETE FROM head",
        "INSERT INTO entry SELECT 9, at, kind, actor, subject, run_id, correlation_id, body, hash, 'x' "
        "FROM entry WHERE seq = 5",
    ],
)
def test_the_database_itself_refuses_everything_but_appending(any_url: str, statement: str) -> None:
    ledger = open_ledger(any_url)
    fill(ledger)
    with pytest.raises(Unavailable, match="append-only"), ledger.store.write() as connection:
        connection.exec_driver_sql(statement)
    assert ledger.verify().is_valid
    ledger.store.close()


def test_replacing_a_row_is_refused_too(ledger: Ledger) -> None:
    fill(ledger)
    with pytest.raises(Unavailable, match="append-only"), ledger.store.write() as connection:
        connection.exec_driver_sql("INSERT OR REPLACE INTO entry SELECT * FROM entry WHERE seq = 3")
    assert ledger.verify().is_valid


def tamper(url: str, *statements: str) -> None:
    """What somebody who owns the file can do: remove the guards, then change what they like."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    for name in names:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", [1, 3, 5])
def test_a_changed_byte_in_any_column_of_any_entry_is_detected(
    ledger: Ledger, ledger_url: str, column: str, seq: int
) -> None:
    fill(ledger)
    tamper(
        ledger_url,
        f"UPDATE entry SET {column} = CASE WHEN substr({column}, 1, 1) = '0' "
        f"THEN '1' ELSE '0' END || substr({column}, 2) WHERE seq = {seq}",
    )
    found = ledger.verify()
    assert not found.is_valid
    assert found.first_broken_seq in (seq, seq + 1)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry WHERE seq = 1",
        "DELETE FROM entry WHERE seq = 3",
        "DELETE FROM entry WHERE seq = 5",
        "DELETE FROM entry",
        "UPDATE entry SET seq = 9 WHERE seq = 5",
        "UPDATE head SET seq = 4",
    ],
)
def test_a_missing_entry_is_detected_also_at_the_end(ledger: Ledger, ledger_url: str, statement: str) -> None:
    fill(ledger)
    tamper(ledger_url, statement)
    assert not ledger.verify().is_valid


def test_swapping_the_content_of_two_entries_is_detected(ledger: Ledger, ledger_url: str) -> None:
    fill(ledger)
    tamper(
        ledger_url,
        "CREATE TEMP TABLE two AS SELECT seq, body FROM entry WHERE seq IN (2, 4)",
        "UPDATE entry SET body = (SELECT body FROM two WHERE seq = 4) WHERE seq = 2",
        "UPDATE entry SET body = (SELECT body FROM two WHERE seq = 2) WHERE seq = 4",
    )
    assert ledger.verify().first_broken_seq == 2


_TEXT = st.text(max_size=30)


@given(data=st.data())
def test_any_change_of_any_field_changes_the_hash(data: st.DataObject) -> None:
    fields = {name: data.draw(_TEXT) for name in COLUMNS if name not in ("prev_hash", "hash")}
    entry = StoredEntry(seq=1, prev_hash=GENESIS, hash="", **fields)
    name = data.draw(st.sampled_from(sorted(fields)))
    other = data.draw(_TEXT.filter(lambda text: text != fields[name]))
    changed = StoredEntry(seq=1, prev_hash=GENESIS, hash="", **{**fields, name: other})
    assert hash_entry(entry) != hash_entry(changed)


def test_moving_text_from_one_column_to_the_next_changes_the_hash() -> None:
    plain = dict.fromkeys(("at", "kind", "run_id", "correlation_id", "body"), "")
    one = StoredEntry(seq=1, actor="ab", subject="c", prev_hash=GENESIS, hash="", **plain)
    two = StoredEntry(seq=1, actor="a", subject="bc", prev_hash=GENESIS, hash="", **plain)
    assert hash_entry(one) != hash_entry(two)


def test_four_processes_writing_at_once_keep_one_chain(any_url: str) -> None:
    ledger = open_ledger(any_url)
    script = str(Path(__file__).with_name("appending.py"))
    writers = [
        subprocess.Popen([sys.executable, script, any_url, f"writer-{number}", "40"]) for number in range(4)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0, 0]
    found = ledger.verify()
    assert found.is_valid, found
    assert found.entries == 160
    for number in range(4):
        mine = ledger.list_entries(EntryFilter(actor=f"writer-{number}"), limit=100)
        assert [entry.body["number"] for entry in mine] == list(range(39, -1, -1))
    ledger.store.close()


def test_secrets_never_reach_the_ledger(ledger: Ledger, ledger_url: str) -> None:
    ledger.append(
        Kind.LOOK,
        actor="aoki",
        body={
            "password": "hunter2",
            "nested": {"api_key": "sk-123456"},
            "url": "postgresql://hrx_ops:s3cretpass@db/hrx",
            "list": [{"session_token": "abcdef"}],
        },
    )
    stored = Path(ledger_url.removeprefix("sqlite:///")).read_bytes()
    for secret in (b"hunter2", b"sk-123456", b"s3cretpass", b"abcdef"):
        assert secret not in stored


def test_an_export_can_be_verified_without_us(ledger: Ledger) -> None:
    fill(ledger)
    entries = [StoredEntry(**json.loads(line)) for line in ledger.export()]
    assert verify_chain(entries, remembered_head=ledger.head()).is_valid
    assert not verify_chain(entries[:-1], remembered_head=ledger.head()).is_valid


def test_a_ledger_on_a_full_or_missing_disk_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(Unavailable) as refused:
        open_ledger(f"sqlite:///{tmp_path / 'file' / 'ledger.sqlite3'}")
    assert refused.value.stable_code == "ledger.unavailable"


def test_a_lock_names_its_holder_and_expires_by_itself(any_url: str) -> None:
    ledger = open_ledger(any_url)
    held = lock.acquire(ledger, "part:api", owner="aoki", reason="restart", valid_s=30)
    with pytest.raises(lock.LockHeld) as refused:
        lock.acquire(ledger, "part:api", owner="baba", reason="also", valid_s=30)
    for fact in ("aoki", "restart", f"{held.expires_at:%H:%M:%S}"):
        assert fact in refused.value.message.en
    with clock.shifted(timedelta(seconds=31)):
        taken = lock.acquire(ledger, "part:api", owner="baba", reason="also", valid_s=30)
        assert taken.version == held.version + 1
        with pytest.raises(lock.LockLost):
            lock.renew(ledger, held, valid_s=30)
        lock.release(ledger, held)
        assert [item.owner for item in lock.list_held(ledger)] == ["baba"]
    ledger.store.close()


def test_a_broken_lock_is_on_record_and_its_holder_notices(ledger: Ledger) -> None:
    held = lock.acquire(ledger, "part:api", owner="aoki", reason="restart", valid_s=30)
    lock.break_lock(ledger, "part:api", actor="baba", reason="aoki went home")
    with pytest.raises(lock.LockLost):
        lock.renew(ledger, held, valid_s=30)
    entry = ledger.find_last(Kind.LOCK_BROKEN)
    assert entry is not None
    assert entry.body["owner"] == "aoki"
    with pytest.raises(NotFound):
        lock.break_lock(ledger, "part:api", actor="baba", reason="again")
