"""Holding outside effects in a copy before anybody works on it."""

from __future__ import annotations

import secrets

import pytest

from hrx.ops.recovery.effects import CannotHold, find_hold, hold_effects, release_effects, tell_hold
from hrx.ops.seams.sessions import opened_session
from tests.conftest import PostgresServer, migrate
from tests.ops.recovery.product import drop

pytestmark = pytest.mark.req("R6.2-1")


def test_a_copy_is_held_once_told_in_words_and_released_and_an_old_schema_says_what_to_do(
    postgres: PostgresServer,
) -> None:
    name = f"held_{secrets.token_hex(4)}"
    server = postgres.create_migrated_database(name)
    url = f"{postgres.admin_url.rsplit('/', 1)[0]}/{name}"
    try:
        with opened_session(url, timeout_s=30, is_read_only=False) as session:
            assert find_hold(session) is None
            assert "not held" in tell_hold(None).en
            session.row(
                "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name) VALUES ('default', 'mail.send')"
            )
            assert hold_effects(session, reason="restored", correlation_id="run-1")
            assert not hold_effects(session, reason="again", correlation_id="run-2")
            hold = find_hold(session)
            assert hold is not None
            assert (hold.reason, hold.run, hold.of_the_past, hold.newer) == ("restored", "run-1", 1, 0)
            assert ": 1 job of the restored moment" in tell_hold(hold).en
            assert release_effects(session, drops_past=False) == 0
            assert release_effects(session, drops_past=False) is None
        migrate(server.owner_url, to="0007", down=True)
        with (
            opened_session(url, timeout_s=30, is_read_only=False) as session,
            pytest.raises(CannotHold) as refused,
        ):
            hold_effects(session, reason="restored", correlation_id="run-3")
        assert refused.value.hint is not None
        assert "Migrate" in refused.value.hint.en
    finally:
        drop(postgres, name)
