"""Settings and secrets of a whole stack: nothing is wrong, nothing has leaked, and keys change under load."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace

import httpx
import psycopg
import pytest

from tests.acceptance.operating import becomes_well, eventually, pids, put_blue_live, run_hrx
from tests.acceptance.test_repairs import run_procedure, signed_in
from tests.conftest import Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(300),
    pytest.mark.req("R3.6-1", "R10.1-1"),
]


@dataclass(slots=True)
class Asked:
    """What people who never stop asking were told."""

    good: int = 0
    bad: list[str] = field(default_factory=list)


@contextmanager
def people_asking(stack: Stack) -> Iterator[Asked]:
    """One person who reads the directory again and again, and one who signs in anew each time."""
    asked, told = Asked(), threading.Event()

    def ask() -> None:
        with closing(signed_in(stack)) as client:
            while not told.is_set():
                _note(asked, client, "/api/v1/people?limit=5")
                told.wait(0.05)

    def come_in() -> None:
        while not told.is_set():
            try:
                with closing(signed_in(stack)) as client:
                    _note(asked, client, "/api/v1/session")
            except (AssertionError, httpx.HTTPError) as error:
                asked.bad.append(f"signing in: {error!r}")
            told.wait(1)

    threads = [threading.Thread(target=one, daemon=True) for one in (ask, come_in)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        told.set()
        for thread in threads:
            thread.join(timeout=30)


def _note(asked: Asked, client: httpx.Client, path: str) -> None:
    try:
        answer = client.get(path)
    except httpx.HTTPError as error:
        asked.bad.append(repr(error))
        return
    if answer.status_code == 200:
        asked.good += 1
    else:
        asked.bad.append(f"{path} {answer.status_code} {answer.text[:200]}")


def test_nothing_serious_is_wrong_with_the_settings_of_a_fresh_stack(stack: Stack) -> None:
    seen = run_hrx(stack, "settings", "matrix", "--json")
    document = json.loads(seen.stdout)
    serious = [one for one in document["findings"] if one["is_serious"]]
    assert serious == [], seen.stderr
    assert [one for one in document["findings"] if one["trouble"] == "unknown"] == []
    for name in ("HRX_SESSION_KEYS", "HRX_POSTGRES_ADMIN_PASSWORD"):
        assert stack.secret(name) not in seen.stdout
    aged = json.loads(run_hrx(stack, "settings", "age", "--json").stdout)
    assert {"HRX_SESSION_KEYS", "HRX_SEAL_KEYS"} <= {one["name"] for one in aged}


def test_no_secret_of_a_running_stack_is_in_its_logs_its_ledger_or_its_web_build(stack: Stack) -> None:
    scanned = run_hrx(stack, "settings", "leaks", "build", "log", "ledger", "--json")
    report = json.loads(scanned.stdout)
    assert report["leaks"] == [], scanned.stderr
    assert report["pieces"] > 20


def test_the_database_password_is_rotated_under_load_and_nobody_notices(stack: Stack) -> None:
    # A test before this one may have left green running, as a way back; then it is restarted, not borrowed.
    put_blue_live(stack)
    before = stack.secret("HRX_POSTGRES_APP_PASSWORD")
    port = json.loads((stack.var / "run" / "ports.json").read_text())["postgres"]
    with people_asking(stack) as asked:
        run_procedure(stack, "rotate-database-password", {"role": "hrx_app"}, four_eyes=True)
    assert asked.bad == []
    assert asked.good > 50
    after = stack.secret("HRX_POSTGRES_APP_PASSWORD")
    assert after != before
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(f"postgresql://hrx_app:{before}@127.0.0.1:{port}/hrx")
    psycopg.connect(f"postgresql://hrx_app:{after}@127.0.0.1:{port}/hrx").close()
    assert pids(stack)["api-green"] is None, "the borrowed slot rests again"
    becomes_well(stack, within_s=60)


def test_signing_keys_are_renewed_while_the_old_one_counts_and_then_dropped(stack: Stack) -> None:
    with people_asking(stack) as asked:
        run_procedure(stack, "renew-session-keys", {}, four_eyes=True)
        assert stack.secret("HRX_SESSION_KEYS").count(",") == 1
        run_procedure(stack, "drop-former-session-keys", {}, four_eyes=True)
    assert asked.bad == []
    assert "," not in stack.secret("HRX_SESSION_KEYS")
    becomes_well(stack, within_s=60)


@pytest.mark.parametrize("role", ["hrx_ops"])
def test_a_password_of_operations_is_rotated_and_who_watches_and_copies_goes_on(
    stack: Stack, role: str
) -> None:
    name = f"HRX_POSTGRES_{role[4:].upper()}_PASSWORD"
    before, port = stack.secret(name), json.loads((stack.var / "run" / "ports.json").read_text())["postgres"]
    with people_asking(stack) as asked:
        run_procedure(stack, "rotate-operations-password", {"role": role}, four_eyes=True)
    assert asked.bad == []
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(f"postgresql://{role}:{before}@127.0.0.1:{port}/hrx")
    becomes_well(stack, within_s=90)
    admin = f"postgresql://hrx_admin:{stack.secret('HRX_POSTGRES_ADMIN_PASSWORD')}@127.0.0.1:{port}/postgres"

    def signed_in_as() -> set[str]:
        with psycopg.connect(admin) as session:
            rows = session.execute("SELECT usename::text FROM pg_stat_activity WHERE usename IS NOT NULL")
            return {row[0] for row in rows}

    eventually(lambda: role in signed_in_as(), within_s=60, what=f"sessions of {role}")
    assert f"{role}_spare" not in signed_in_as()


def test_the_token_of_alerts_is_rotated_by_one_command_typed_twice(stack: Stack) -> None:
    former = stack.secret("HRX_OPS_HOOK_TOKEN")
    first = run_hrx(stack, "settings", "rotate", "HRX_OPS_HOOK_TOKEN", "--yes", "--json")
    assert first.returncode == 0, first.stdout + first.stderr
    assert json.loads(first.stdout)["stage"] == "both"
    made = stack.secret("HRX_OPS_HOOK_TOKEN").partition(",")[0]
    assert (stack.var / "alertmanager" / "hook-token").read_text() == made != former
    assert [hook_says(stack, token) for token in (made, former, "neither")] == [200, 200, 403]
    early = run_hrx(stack, "settings", "rotate", "HRX_OPS_HOOK_TOKEN", "--yes", "--json")
    assert (early.returncode, json.loads(early.stdout)["result"]) == (0, None)
    hasty = replace(stack, environment={**stack.environment, "HRX_ROTATION_OVERLAP_S": "0"})
    last = run_hrx(hasty, "settings", "rotate", "HRX_OPS_HOOK_TOKEN", "--yes", "--json")
    assert last.returncode == 0, last.stdout + last.stderr
    assert json.loads(last.stdout)["stage"] == "alone"
    assert [hook_says(stack, token) for token in (made, former)] == [200, 403]
    for said in (first, early, last):
        assert made not in said.stdout + said.stderr
    becomes_well(stack, within_s=60)


def hook_says(stack: Stack, token: str) -> int:
    """The console's answer to Alertmanager's call with this token; it begins anew a moment before."""

    def ask() -> int:
        try:
            return httpx.post(
                f"{stack.console_url}/hooks/alertmanager",
                json={"version": "4", "status": "resolved", "alerts": []},
                headers={"Authorization": f"Bearer {token}"},
                timeout=10,
            ).status_code
        except httpx.HTTPError:
            return 0

    eventually(lambda: ask() != 0, within_s=60, what="the console")
    return ask()
