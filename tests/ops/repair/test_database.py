"""Recoveries of 5.2.3 on a real PostgreSQL: what triage proposes is run, and the symptom is seen to go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import psycopg
import pytest

from hrx.ops.operators.roles import Actor
from hrx.ops.plan import ApprovalRule, Effect
from hrx.ops.run.acting.database import SessionIsAdministrators
from hrx.ops.run.approvals import AuthorMayNotApprove, approve
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import make_plan, propose
from hrx.ops.run.records import RunState
from hrx.ops.runbook.sops import get_sop
from hrx.ops.triage.engine import diagnose
from hrx.ops.triage.result import ProposalMade
from tests.conftest import PostgresServer
from tests.ops.repair.conftest import evidence_of, run_procedure

pytestmark = pytest.mark.req("R5.2-1", "R5.2-2")
BEGAN = "SELECT backend_start::text FROM pg_stat_activity WHERE pid = %s"


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def began(admin: psycopg.Connection, pid: int) -> str:
    row = admin.execute(BEGAN, [pid]).fetchone()
    assert row is not None
    return str(row[0])


def first_proposal(plane: Plane, cause: str) -> ProposalMade:
    """What is proposed against that cause, once it is blamed: on a busy machine a look may come too late."""
    proposals: list[ProposalMade] = []

    def is_blamed() -> bool:
        found = diagnose(plane, get_sop(plane.content.sops, "5.2.3")).first_cause
        if found is not None and found.id == cause:
            proposals.extend(found.proposals)
        return bool(proposals)

    wait_until(is_blamed)
    assert proposals[0].missing == ()
    return proposals[0]


@pytest.fixture
def table(owner: psycopg.Connection) -> Iterator[str]:
    owner.execute("CREATE TABLE IF NOT EXISTS app.repair_test (id int)")
    owner.execute("GRANT ALL ON app.repair_test TO hrx_app")
    yield "app.repair_test"
    owner.execute("DROP TABLE app.repair_test")


@pytest.fixture
def holder(postgres: PostgresServer, table: str) -> Iterator[psycopg.Connection]:
    """A session that will stand at the head of a queue; closed before the table goes."""
    opened = psycopg.connect(postgres.app_url, application_name="hrx holder0000")
    yield opened
    opened.close()


@pytest.mark.req("R5.2-3")
def test_a_session_is_ended_when_everybody_else_has_taken_every_connection(
    repairing: Plane, responder: Actor, postgres: PostgresServer
) -> None:
    """Nobody may watch any more, and still whoever repairs gets in."""
    with ExitStack() as held:
        taken = [held.enter_context(psycopg.connect(postgres.app_url, autocommit=True))]
        mine = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        row = taken[0].execute(mine).fetchone()
        assert row is not None
        with suppress(psycopg.OperationalError):
            while len(taken) < 200:
                taken.append(held.enter_context(psycopg.connect(postgres.app_url)))
        with pytest.raises(psycopg.OperationalError, match="remaining connection slots"):
            psycopg.connect(postgres.ops_url)
        params = {"pid": str(row[0]), "started": str(row[1])}
        run = run_procedure(repairing, "end-blocking-session", params, actor=responder)
        assert run.state is RunState.SUCCEEDED
        with pytest.raises(psycopg.OperationalError):
            taken[0].execute("SELECT 1")


def test_the_head_of_a_queue_is_ended_as_triage_proposes_and_those_who_waited_go_on(
    repairing: Plane,
    responder: Actor,
    postgres: PostgresServer,
    admin: psycopg.Connection,
    holder: psycopg.Connection,
    table: str,
) -> None:
    holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")  # a constant
    got: list[object] = []

    def wait_in_line() -> None:
        with psycopg.connect(postgres.app_url) as session:
            got.append(session.execute("SELECT count(*) FROM app.repair_test").fetchone())

    waiter = threading.Thread(target=wait_in_line)
    waiter.start()
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND waitstart < now() - interval '1 second'"
    wait_until(lambda: admin.execute(waiting).fetchone() != (0,))
    proposal = first_proposal(repairing, "lock-pile-up")
    assert proposal.procedure == "end-blocking-session"
    assert proposal.params["pid"] == str(holder.info.backend_pid)
    run = run_procedure(repairing, proposal.procedure, proposal.params, actor=responder)
    waiter.join(timeout=10)
    assert run.state is RunState.SUCCEEDED, run.message
    assert got == [(0,)]
    assert evidence_of(run, "look")["holds_up"] == 1
    assert evidence_of(run, "no-queue")["session_is_there"] is False
    with pytest.raises(psycopg.OperationalError):
        holder.execute("SELECT 1")


def test_a_session_with_the_same_number_but_another_beginning_is_never_ended(
    repairing: Plane, responder: Actor, postgres: PostgresServer
) -> None:
    with psycopg.connect(postgres.app_url, autocommit=True) as innocent:
        params = {"pid": str(innocent.info.backend_pid), "started": "2026-04-01 09:00:00+00"}
        plan = make_plan(repairing, "end-blocking-session", params=params)
        assert plan.facts == {"session.is_there": "no"}
        run = run_procedure(repairing, "end-blocking-session", params, actor=responder)
        assert evidence_of(run, "end") == {
            "pid": innocent.info.backend_pid,
            "ended": False,
            "had_ended_before": True,
        }
        assert innocent.execute("SELECT 1").fetchone() == (1,)


def test_an_administrators_session_is_refused_when_planning_and_by_the_database_itself(
    repairing: Plane, postgres: PostgresServer, admin: psycopg.Connection
) -> None:
    pid = admin.info.backend_pid
    params = {"pid": str(pid), "started": began(admin, pid)}
    with pytest.raises(SessionIsAdministrators):
        make_plan(repairing, "end-blocking-session", params=params)
    with (
        psycopg.connect(postgres.repair_url, autocommit=True) as repair,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        repair.execute("SELECT pg_terminate_backend(%s)", [pid])
    assert admin.execute("SELECT 1").fetchone() == (1,)


def test_a_heavy_statement_is_cancelled_and_its_session_stays(
    repairing: Plane, responder: Actor, postgres: PostgresServer, admin: psycopg.Connection
) -> None:
    session = psycopg.connect(postgres.app_url, autocommit=True)
    failed: list[type[BaseException]] = []

    def run_long() -> None:
        try:
            session.execute("SELECT pg_sleep(60)")
        except psycopg.Error as error:
            failed.append(type(error))

    thread = threading.Thread(target=run_long)
    thread.start()
    pid = session.info.backend_pid
    slow = (
        "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND query_start < now() - interval '1 second'"
    )
    wait_until(lambda: admin.execute(slow, [pid]).fetchone() == (1,))
    params = {"pid": str(pid), "started": began(admin, pid)}
    run = run_procedure(repairing, "cancel-statement", params, actor=responder)
    thread.join(timeout=10)
    assert run.state is RunState.SUCCEEDED, run.message
    assert failed == [psycopg.errors.QueryCanceled]
    assert session.execute("SELECT 1").fetchone() == (1,)
    session.close()


def test_a_missing_index_is_made_again_as_triage_proposes(
    repairing: Plane, responder: Actor, owner: psycopg.Connection, admin: psycopg.Connection
) -> None:
    owner.execute("DROP INDEX app.session_of_user")
    proposal = first_proposal(repairing, "index-missing")
    assert (proposal.procedure, proposal.params) == ("recreate-index", {"index": "app.session_of_user"})
    plan = make_plan(repairing, proposal.procedure, params=proposal.params)
    assert plan.facts == {"index.state": "missing"}
    assert plan.steps[0].effect is Effect.UNDOABLE
    run = run_procedure(repairing, proposal.procedure, proposal.params, actor=responder)
    assert run.state is RunState.SUCCEEDED, run.message
    promised = {index.name: index.definition for index in repairing.content.indexes}
    assert owner.execute("SELECT pg_get_indexdef('app.session_of_user'::regclass)").fetchone() == (
        promised["app.session_of_user"],
    )
    # Half of one, as a build leaves it that was killed, is removed first; run again, nothing is left to do.
    admin.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.session_of_user'::regclass")
    assert make_plan(repairing, proposal.procedure, params=proposal.params).facts == {"index.state": "half"}
    again = run_procedure(repairing, proposal.procedure, proposal.params, actor=responder)
    assert evidence_of(again, "make")["was"] == "half"
    third = run_procedure(repairing, proposal.procedure, proposal.params, actor=responder)
    assert evidence_of(third, "make") == {"index": "app.session_of_user", "made": False, "was": "there"}


def test_the_password_on_file_is_put_back_with_a_second_persons_word(
    repairing: Plane, responder: Actor, approver: Actor, postgres: PostgresServer, admin: psycopg.Connection
) -> None:
    params = {"role": "hrx_repair"}
    admin.execute("ALTER ROLE hrx_repair PASSWORD 'somebody set this'")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres.repair_url).close()
    record = propose(repairing, "reset-database-password", params=params, reason="test", actor=responder)
    assert record.plan.approval_needed is ApprovalRule.OTHER
    with pytest.raises(AuthorMayNotApprove):
        approve(repairing, record.seq, actor=approver_named(responder), plan_hash=record.plan.plan_hash)
    run = run_procedure(repairing, "reset-database-password", params, actor=responder, approver=approver)
    assert run.state is RunState.SUCCEEDED, run.message
    psycopg.connect(postgres.repair_url).close()
    told = " ".join(str(entry.body) for entry in repairing.ledger.list_run(run.run_id))
    assert postgres.repair_url.split(":")[2].split("@")[0] not in told


def approver_named(author: Actor) -> Actor:
    """The author, grown into an approver: still the author."""
    from hrx.ops.operators.roles import Role

    return Actor(name=author.name, role=Role.APPROVER, is_operator=True)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM app.session",
        "SELECT * FROM app.user_account",
        "SELECT * FROM seam.tenant_counts",
        "UPDATE app.session SET revoked_at = now()",
        "SET ROLE hrx_policy",
        "CREATE TABLE public.mine (id int)",
        "SELECT app.purge_sessions(now())",
    ],
)
def test_the_repairing_role_reads_no_table_and_has_no_other_power(
    postgres: PostgresServer, statement: str
) -> None:
    with (
        psycopg.connect(postgres.repair_url, autocommit=True) as session,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        session.execute(statement.encode())
