"""The database lost or spoiled on a whole stack, brought back by the commands of the tour; the way back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import psutil
import psycopg
import pytest

from tests.acceptance.operating import becomes_well, eventually, pids, run_hrx, status_of
from tests.acceptance.test_repairs import run_procedure
from tests.conftest import Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(600),
    pytest.mark.req("R6.1-1", "R6.2-1"),
]


def admin_url(stack: Stack) -> str:
    secrets = dict(
        line.split("=", 1) for line in (stack.var / "secrets.env").read_text().splitlines() if "=" in line
    )
    port = json.loads((stack.var / "run" / "ports.json").read_text())["postgres"]
    return f"postgresql://hrx_admin:{secrets['HRX_POSTGRES_ADMIN_PASSWORD']}@127.0.0.1:{port}/hrx"


def ask(stack: Stack, query: str) -> Any:
    with psycopg.connect(admin_url(stack), autocommit=True) as session:
        done = session.execute(query.encode())
        row = done.fetchone() if done.description else None
    return row[0] if row else None


# `Any`: JSON.
def command(stack: Stack, *arguments: str) -> dict[str, Any]:
    done = run_hrx(stack, *arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(autouse=True)
def _backed_up(stack: Stack) -> Iterator[None]:
    """A backup by the keeper itself; copies and kept data go afterwards."""

    def there() -> bool:
        return any((stack.var / "backups" / "base").glob("*/backup.json"))

    eventually(there, within_s=90, what="the keeper has taken the first backup")
    yield
    for one in command(stack, "recover", "copies")["items"]:
        run_hrx(stack, "recover", "remove", one["name"], "--yes")
    shutil.rmtree(stack.var / "recovery" / "kept", ignore_errors=True)


def test_a_lost_data_directory_comes_back_to_the_last_commit(stack: Stack) -> None:
    people = ask(stack, "SELECT count(*) FROM app.person")
    ask(stack, "CREATE TABLE public.last_words AS SELECT 1 AS n")
    eventually(
        lambda: (
            ask(
                stack,
                "SELECT bool_and(flush_lsn >= pg_current_wal_flush_lsn()) FROM pg_stat_replication",
            )
            is True
        ),
        within_s=20,
        what="everything is received",
    )
    database = psutil.Process(pids(stack)["postgres"])
    family = [database, *database.children(recursive=True)]
    for one in family:
        one.kill()
    shutil.rmtree(stack.var / "postgres")

    told = command(stack, "recover", "restore", "--to", "latest", "--name", "lost")
    assert told["state"] == "ready", told["findings"]
    assert told["comparison"]["is_living_known"] is False
    run_procedure(stack, "switch-database", {"copy": "lost"}, four_eyes=True)
    becomes_well(stack, within_s=60)
    assert ask(stack, "SELECT n FROM public.last_words") == 1
    assert ask(stack, "SELECT count(*) FROM app.person") == people
    assert status_of(f"{stack.portal_url}/readyz") == 200
    ask(stack, "DROP TABLE public.last_words")


def test_a_mistake_is_undone_by_a_switch_and_the_switch_by_going_back(stack: Stack) -> None:
    ask(stack, "CREATE TABLE public.notes AS SELECT n FROM generate_series(1, 500) n")
    ask(stack, "DELETE FROM public.notes WHERE n <= 200")
    found = command(stack, "recover", "transactions", "--least", "150")["items"]
    mistake = [one for one in found if one["rows"].get("DELETE public.notes") == 200]
    assert len(mistake) == 1, found
    ask(stack, "INSERT INTO public.notes SELECT n FROM generate_series(1001, 1010) n")

    told = command(stack, "recover", "restore", "--to", mistake[0]["to"], "--name", "before")
    assert told["state"] == "ready", told["findings"]
    run_procedure(stack, "switch-database", {"copy": "before"}, four_eyes=True)
    assert ask(stack, "SELECT count(*) FROM public.notes") == 500
    # Jobs of that past moment wait for a person; those of the data that comes back do not.
    assert ask(stack, "SELECT count(*) FROM seam.effects_hold()") == 1
    assert ask(stack, "SELECT timeline_id FROM pg_control_checkpoint()") >= 2

    run_procedure(stack, "switch-database-back", {"copy": "before"}, four_eyes=True)
    becomes_well(stack, within_s=60)
    assert ask(stack, "SELECT count(*) FROM public.notes") == 310
    assert ask(stack, "SELECT count(*) FROM seam.effects_hold()") == 0
    # What came after is restorable, too: the history that was taken up again has a number of its own.
    again = command(stack, "recover", "restore", "--to", "latest", "--name", "again")
    assert again["state"] == "ready", again["findings"]
    ask(stack, "DROP TABLE public.notes")
