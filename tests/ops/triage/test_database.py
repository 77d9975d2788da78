"""SOP 5.2.3 against a real PostgreSQL that is really disturbed."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import yaml

from hrx.ops.run.plane import Plane
from hrx.ops.runbook.sops import get_sop
from hrx.ops.triage.engine import ask_check, diagnose
from hrx.ops.triage.result import Evidence, TriageResult, Verdict
from tests.conftest import ROOT, PostgresServer

pytestmark = pytest.mark.req("R5.2-1", "R5.2-2")
_PROMISED = """
SELECT n.nspname || '.' || c.relname AS name, n.nspname || '.' || t.relname AS "table",
       pg_get_indexdef(i.indexrelid) AS definition
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_class AS t ON t.oid = i.indrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('app', 'gate')
   AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)
 ORDER BY 1
"""


def triage(plane: Plane, sop_id: str = "5.2.3") -> TriageResult:
    return diagnose(plane, get_sop(plane.content.sops, sop_id))


def evidence_of(result: TriageResult, check: str) -> Evidence:
    return next(item for item in result.evidence if item.check == check)


def test_a_database_that_is_gone_is_blamed_first_and_its_silence_is_told_apart(plane: Plane) -> None:
    result = triage(plane)
    assert result.first_cause is not None
    assert result.first_cause.id == "database-stopped"
    assert evidence_of(result, "postgres.door").facts["door"] == "refused"
    locks = evidence_of(result, "postgres.locks")
    assert locks.failure is not None
    assert locks.facts == {}


def test_a_well_database_is_blamed_for_nothing(plane_with_database: Plane) -> None:
    result = triage(plane_with_database)
    assert [cause.id for cause in result.supported if cause.component == "postgres"] == []
    assert evidence_of(result, "postgres.door").facts["answers"] is True


def test_every_probe_is_asked_at_once(plane_with_database: Plane) -> None:
    result = triage(plane_with_database, "5.2.2")
    latencies_ms = sorted(item.latency_ms for item in result.evidence)
    assert len(result.evidence) > 20
    # As long as the slowest, not as long as one after the other.
    assert result.took_ms < latencies_ms[-1] + 400
    assert sum(latencies_ms) > latencies_ms[-1] + 400


def test_the_head_of_a_queue_of_locks_is_found_without_anybodys_data(
    plane_with_database: Plane, postgres: PostgresServer, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE IF NOT EXISTS app.queue_test (id int, note text)")
    owner.execute("GRANT ALL ON app.queue_test TO hrx_app")
    holder = psycopg.connect(postgres.app_url, application_name="hrx holder0000")
    holder_pid = holder.info.backend_pid
    holder.execute("LOCK TABLE app.queue_test IN ACCESS EXCLUSIVE MODE")
    waiters = [threading.Thread(target=wait_for_lock, args=(postgres.app_url,)) for _ in range(3)]
    for waiter in waiters:
        waiter.start()
    time.sleep(1.4)
    try:
        result = triage(plane_with_database)
    finally:
        holder.close()
        for waiter in waiters:
            waiter.join()
        owner.execute("DROP TABLE app.queue_test")
    first = result.first_cause
    assert first is not None
    assert first.id == "lock-pile-up"
    seen = evidence_of(result, "postgres.locks")
    assert seen.facts["waiting"] == 3
    assert seen.facts["root_pid"] == holder_pid
    assert seen.facts["root_waiters"] == 3
    assert seen.facts["relation"] == "app.queue_test"
    assert seen.facts["root_state"] == "idle in transaction"
    assert "yamada" not in seen.raw


def wait_for_lock(url: str) -> None:
    with psycopg.connect(url, application_name="hrx waiter0000") as session:
        session.execute("SELECT id FROM app.queue_test WHERE note = 'yamada@example.co.jp'")


def test_a_dropped_index_is_missed_by_name(plane_with_database: Plane, owner: psycopg.Connection) -> None:
    definition = owner.execute("SELECT pg_get_indexdef('app.session_of_user'::regclass)").fetchone()
    assert definition is not None
    owner.execute("DROP INDEX app.session_of_user")
    try:
        result = triage(plane_with_database)
    finally:
        owner.execute(definition[0])
    assert result.first_cause is not None
    assert result.first_cause.id == "index-missing"
    assert evidence_of(result, "postgres.indexes").facts["missing_index"] == "app.session_of_user"


def test_heavy_statements_are_found_while_they_run(
    plane_with_database: Plane, postgres: PostgresServer
) -> None:
    def run() -> None:
        with psycopg.connect(postgres.app_url, application_name="hrx slow00000") as session:
            session.execute("SELECT pg_sleep(4), 'tanaka@example.co.jp'")

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    result = triage(plane_with_database)
    for thread in threads:
        thread.join()
    assert result.first_cause is not None
    assert result.first_cause.id == "slow-query"
    seen = evidence_of(result, "postgres.statements")
    assert seen.facts["same_statement"] == 2
    assert "tanaka" not in seen.raw


def test_the_list_of_promised_indexes_is_what_the_migrations_make(postgres: PostgresServer) -> None:
    server = postgres.create_migrated_database("promised")
    with psycopg.connect(server.owner_url) as session:
        rows = session.execute(_PROMISED).fetchall()
    made = [{"name": row[0], "table": row[1], "definition": row[2]} for row in rows]
    path = ROOT / "runbook" / "database" / "indexes.yaml"
    if os.environ.get("HRX_WRITE_INDEXES"):
        write_indexes(path, made)
    assert yaml.safe_load(path.read_text())["indexes"] == made, "HRX_WRITE_INDEXES=1 writes it anew"


def write_indexes(path: Path, made: list[dict[str, str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    head = (
        "# The indexes that migrations make, beside those of constraints: triage misses one that is gone.\n"
        "# Written by `HRX_WRITE_INDEXES=1 pytest tests/ops/triage/test_database.py -k promised`.\n"
    )
    path.write_text(head + yaml.safe_dump({"indexes": made}, sort_keys=False, width=110))


def test_a_cause_is_never_blamed_for_what_nobody_could_learn(plane: Plane) -> None:
    result = triage(plane)
    by_id = {cause.id: cause for cause in result.causes}
    assert by_id["lock-pile-up"].verdict is Verdict.UNDECIDED
    assert by_id["index-missing"].verdict is Verdict.UNDECIDED
    assert by_id["lock-pile-up"].proposals == ()


def test_a_wait_for_a_lock_counts_from_its_own_start(
    plane_with_database: Plane, postgres: PostgresServer, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE IF NOT EXISTS app.brief_wait (id int)")
    owner.execute("GRANT ALL ON app.brief_wait TO hrx_app")
    holder = psycopg.connect(postgres.app_url)
    holder.execute("LOCK TABLE app.brief_wait IN ACCESS EXCLUSIVE MODE")

    def work_then_wait() -> None:
        with psycopg.connect(postgres.app_url) as waiter, suppress(psycopg.Error):
            waiter.execute("SELECT pg_sleep(1.2); LOCK TABLE app.brief_wait IN ACCESS EXCLUSIVE MODE")

    worker = threading.Thread(target=work_then_wait)
    worker.start()
    try:
        deadline = time.monotonic() + 10
        facts = ask_check(plane_with_database, "postgres.locks", params={}).facts
        while not facts["waiting"] and time.monotonic() < deadline:
            time.sleep(0.05)
            facts = ask_check(plane_with_database, "postgres.locks", params={}).facts
    finally:
        holder.close()
        worker.join()
        owner.execute("DROP TABLE app.brief_wait")
    assert facts["waiting"] == 1
    assert isinstance(facts["longest_wait_s"], float)
    assert facts["longest_wait_s"] < 1, "it has run for longer than a second and waited for a moment"
