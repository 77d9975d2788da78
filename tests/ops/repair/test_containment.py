"""Containment of 5.2.6 on a real PostgreSQL: sessions, accounts, evidence; tenants stay apart."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from hrx.kit import log
from hrx.kit.errors import NotFound
from hrx.ops.operators.roles import Actor
from hrx.ops.plan import ApprovalRule, Effect
from hrx.ops.run.acting.evidence import mask_people
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import make_plan
from hrx.ops.run.records import RunState
from tests.conftest import PostgresServer
from tests.ops.repair.conftest import evidence_of, run_procedure

pytestmark = pytest.mark.req("R5.2-3")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Somebody with one open session."""

    tenant: int
    account: int
    digest: bytes


def sign_in(admin: psycopg.Connection, *, tenant: int | None = None) -> SignedIn:
    """A new account (of a new tenant unless told) with an open session."""
    if tenant is None:
        made = admin.execute(
            "SELECT app.create_tenant(%s, '会社', 'Asia/Tokyo', 'ja')", [f"t-{secrets.token_hex(6)}"]
        ).fetchone()
        assert made is not None
        tenant = int(made[0])
    account = admin.execute(
        "INSERT INTO app.user_account (tenant_id, email, display_name) VALUES (%s, %s, '山田') RETURNING id",
        [tenant, f"{secrets.token_hex(6)}@example.com"],
    ).fetchone()
    assert account is not None
    digest = secrets.token_bytes(32)
    admin.execute(
        "INSERT INTO app.session (tenant_id, user_id, token_digest, stage, method, address, expires_at)"
        " VALUES (%s, %s, %s, 'signed_in', 'password', '203.0.113.77', now() + interval '1 hour')",
        [tenant, account[0], digest],
    )
    return SignedIn(tenant=tenant, account=int(account[0]), digest=digest)


def is_in(server: PostgresServer, who: SignedIn) -> bool:
    """Whether a request with this session would be somebody's: what the API asks at every request."""
    with psycopg.connect(server.app_url) as app:
        found = app.execute("SELECT * FROM app.begin_request(%s, 'test', now(), 3600)", [who.digest])
        return found.fetchone() is not None


def audited(admin: psycopg.Connection, tenant: int) -> list[tuple[object, ...]]:
    return admin.execute(
        "SELECT action, details, correlation_id FROM app.audit_entry WHERE tenant_id = %s ORDER BY id",
        [tenant],
    ).fetchall()


def test_the_sessions_of_one_account_end_at_once_and_nobody_elses(
    repairing: Plane, responder: Actor, postgres: PostgresServer, admin: psycopg.Connection
) -> None:
    stolen = sign_in(admin)
    colleague = sign_in(admin, tenant=stolen.tenant)
    plan = make_plan(repairing, "revoke-sessions", params={"of": f"account:{stolen.account}"})
    assert (plan.facts, plan.approval_needed) == ({"sessions.open": "yes"}, ApprovalRule.OWN)
    assert is_in(postgres, stolen)
    remembered = log.correlation_id.set("repair-0123456789")
    with psycopg.connect(postgres.app_url, autocommit=True) as live:
        live.execute("LISTEN hrx_events")
        run = run_procedure(
            repairing, "revoke-sessions", {"of": f"account:{stolen.account}"}, actor=responder
        )
        told = [json.loads(notice.payload) for notice in live.notifies(timeout=2, stop_after=1)]
    log.correlation_id.reset(remembered)
    assert run.state is RunState.SUCCEEDED, run.message
    assert not is_in(postgres, stolen)
    assert is_in(postgres, colleague)
    assert [(event["kind"], event["tenant"]) for event in told] == [("session.revoked", stolen.tenant)]
    assert audited(admin, stolen.tenant) == [
        (
            "session.revoked_by_operations",
            {"sessions": 1, "user_id": stolen.account},
            "repair-0123456789",
        )
    ]
    assert evidence_of(run, "revoke")["sessions_ended"] == 1


def test_a_whole_tenant_takes_a_second_person_and_leaves_other_tenants_alone(
    repairing: Plane,
    responder: Actor,
    approver: Actor,
    postgres: PostgresServer,
    admin: psycopg.Connection,
) -> None:
    first = sign_in(admin)
    second = sign_in(admin, tenant=first.tenant)
    stranger = sign_in(admin)
    params = {"of": f"tenant:{first.tenant}"}
    plan = make_plan(repairing, "revoke-sessions", params=params)
    assert plan.steps[0].effect is Effect.IRREVERSIBLE
    assert plan.approval_needed is ApprovalRule.OTHER
    run = run_procedure(repairing, "revoke-sessions", params, actor=responder, approver=approver)
    assert run.state is RunState.SUCCEEDED, run.message
    assert [is_in(postgres, who) for who in (first, second, stranger)] == [False, False, True]
    again = run_procedure(repairing, "revoke-sessions", params, actor=responder, approver=approver)
    assert evidence_of(again, "revoke")["sessions_ended"] == 0


def test_everybody_is_signed_out_tenant_by_tenant_in_the_trail(
    repairing: Plane,
    responder: Actor,
    approver: Actor,
    postgres: PostgresServer,
    admin: psycopg.Connection,
) -> None:
    people = [sign_in(admin) for _ in range(2)]
    run = run_procedure(repairing, "revoke-sessions", {"of": "all"}, actor=responder, approver=approver)
    assert run.state is RunState.SUCCEEDED, run.message
    assert not any(is_in(postgres, who) for who in people)
    assert all(audited(admin, who.tenant) for who in people)


def test_a_locked_account_stays_out_and_its_old_session_does_not_come_back_with_it(
    repairing: Plane, responder: Actor, postgres: PostgresServer, admin: psycopg.Connection
) -> None:
    taken = sign_in(admin)
    params = {"account": str(taken.account)}
    run = run_procedure(repairing, "lock-account", params, actor=responder)
    assert run.state is RunState.SUCCEEDED, run.message
    assert not is_in(postgres, taken)
    assert make_plan(repairing, "unlock-account", params=params).facts == {"account.state": "locked"}
    again = run_procedure(repairing, "lock-account", params, actor=responder)
    assert evidence_of(again, "lock")["changed"] is False
    unlocked = run_procedure(repairing, "unlock-account", params, actor=responder)
    assert unlocked.state is RunState.SUCCEEDED, unlocked.message
    assert not is_in(postgres, taken)
    actions = [row[0] for row in audited(admin, taken.tenant)]
    assert actions == [
        "user.locked_by_operations",
        "session.revoked_by_operations",
        "user.unlocked_by_operations",
    ]
    with pytest.raises(NotFound):
        make_plan(repairing, "lock-account", params={"account": "999999999999"})


def test_what_operations_did_is_sealed_into_the_tenants_own_chain(
    repairing: Plane, responder: Actor, postgres: PostgresServer, admin: psycopg.Connection
) -> None:
    taken = sign_in(admin)
    run_procedure(repairing, "lock-account", {"account": str(taken.account)}, actor=responder)
    with psycopg.connect(postgres.app_url) as app:
        assert app.execute("SELECT app.seal_audit(%s, 100)", [taken.tenant]).fetchone() == (2,)
        broken = app.execute("SELECT app.find_unlinked_audit_entry(%s)", [taken.tenant]).fetchone()
        assert broken == (None,)


def test_evidence_is_kept_hashed_read_only_and_without_peoples_data(
    repairing: Plane, responder: Actor, admin: psycopg.Connection
) -> None:
    canary = sign_in(admin)
    worker_log = repairing.settings.var_dir / "log" / "worker.log"
    with worker_log.open("a") as file:
        file.write('{"event":"x","address":"198.51.100.23","note":"tanaka@example.co.jp password=hunter2"}\n')
    plan = make_plan(repairing, "keep-evidence", params={})
    assert plan.approval_needed is ApprovalRule.NONE
    run = run_procedure(repairing, "keep-evidence", {"label": "suspicion"}, actor=responder)
    assert run.state is RunState.SUCCEEDED, run.message
    kept = evidence_of(run, "keep")
    folder = Path(str(kept["folder"]))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest() == kept["manifest_sha256"]
    assert {"parts.json", "processes.json", "sessions.json", "audit-chain.json", "logs/worker.log"} <= set(
        manifest["files"]
    )
    everything = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    for personal in ("198.51.100.23", "tanaka", "hunter2", "203.0.113.77", "山田"):
        assert personal not in everything, personal
    sessions = json.loads((folder / "sessions.json").read_text())
    mine = next(row for row in sessions if row["user_id"] == canary.account)
    assert mine["network"] == "203.0.113.x"
    assert all(path.stat().st_mode & 0o222 == 0 for path in folder.rglob("*"))
    # Somebody changes a file: the proof does not hold any more.
    changed = folder / "parts.json"
    changed.chmod(0o600)
    changed.write_text("[]")
    changed.chmod(0o400)
    from hrx.ops.run.actions import NotProven, get_action

    with pytest.raises(NotProven):
        get_action("evidence.prove_kept").perform(repairing, {"label": "suspicion"}, 5)


def test_people_are_masked_and_what_is_ours_is_not() -> None:
    said = mask_people(
        '127.0.0.1 10.1.2.3 a.b@c.example.jp "address":"2001:db8:1:2::9" postgresql://u:pw@db/x'
    )
    assert "127.0.0.1" in said
    for personal in ("10.1.2.3", "a.b@c", "2001:db8:1:2", ":pw@"):
        assert personal not in said
