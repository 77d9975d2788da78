"""The standby as a part of this machine, on real servers; a stand-in of the supervisor runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrx.kit.errors import Refused
from hrx.kit.settings import SecretStr
from hrx.ops.ledger.entries import EntryFilter, Kind, open_ledger
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standby import supervised
from hrx.ops.recovery.standby.attending import StandbyDuty
from hrx.ops.recovery.standby.members import view
from hrx.ops.recovery.standby.synchronizing import NAMES, look
from hrx.ops.targets.machine.roles import (
    LOGIN_ROLES,
    create_roles_and_database,
    let_go_of_absent_standby,
)
from tests.ops.recovery.conftest import PASSWORD
from tests.ops.recovery.standby.conftest import Hands, Pair, execute, is_close

pytestmark = pytest.mark.req("R6.3-1")


def test_a_standby_is_built_once_follows_and_is_let_go_of(site: Site) -> None:
    primary, standby = supervised.open_pair(site)
    hands = Hands(primary, standby)
    assert not supervised.read_status(site).is_built
    assert supervised.ensure(site, hands)
    execute(primary, "INSERT INTO note VALUES (1)")
    Pair.wait(lambda: is_close(primary, standby))
    assert execute(standby, "SELECT count(*) FROM note") == [(1,)]
    told = supervised.read_status(site)
    assert told.state == "streaming"
    assert told.standby is not None
    assert not told.standby.is_writer
    assert not told.is_waited_for
    # The second start builds nothing, and what was written meanwhile arrives.
    supervised.stop(hands)
    execute(primary, "INSERT INTO note VALUES (2)")
    assert not supervised.ensure(site, hands)
    Pair.wait(lambda: execute(standby, "SELECT count(*) FROM note") == [(2,)])
    supervised.stop(hands)
    Pair.wait(lambda: supervised.let_go(site))
    assert execute(primary, "SELECT count(*) FROM pg_replication_slots") == [(0,)]
    # Another one is as good as the first.
    supervised.build(site, hands)
    Pair.wait(lambda: execute(standby, "SELECT count(*) FROM note") == [(2,)])


def test_writes_wait_for_a_close_standby_and_go_on_without_it_on_record(site: Site, tmp_path: Path) -> None:
    """Killed and stopped, it is let go of after the time that was set; back and close, it is waited for."""
    changed = {
        "standby_mode": "sync",
        "standby_let_go_after_s": 1.0,
        "ledger_url": SecretStr(f"sqlite:///{tmp_path}/ledger.db"),
    }
    there = Site(settings=site.settings.model_copy(update=changed), layout=site.layout)
    primary, standby = supervised.open_pair(there)
    hands = Hands(primary, standby)
    supervised.ensure(there, hands)
    duty = StandbyDuty(there)

    def waits() -> bool:
        duty()
        return look(primary).is_waited_for

    Pair.wait(waits)
    execute(primary, "INSERT INTO note VALUES (1)")
    supervised.stop(hands)
    Pair.wait(lambda: not waits())
    execute(primary, "INSERT INTO note VALUES (2)")
    supervised.start(there, hands)
    Pair.wait(waits)
    ledger = open_ledger(there.settings.ledger_location)
    try:
        found = ledger.list_entries(EntryFilter(kinds=(Kind.STANDBY,)))
        said = [str(entry.body["decision"]) for entry in found]
    finally:
        ledger.store.close()
    assert sorted(said) == ["let_go", "wait", "wait"]
    # The setting taken back: nobody is waited for any more.
    StandbyDuty(Site(settings=site.settings, layout=site.layout))()
    assert not look(primary).is_waited_for


def test_a_start_does_not_wait_for_a_standby_that_comes_up_after_it(site: Site) -> None:
    """Both were stopped while writes waited: the primary's next start commits before its standby runs."""
    primary, standby = supervised.open_pair(site)
    hands = Hands(primary, standby)
    supervised.ensure(site, hands)
    Pair.wait(lambda: is_close(primary, standby))
    execute(primary, f"ALTER SYSTEM SET synchronous_standby_names = '{NAMES}'")
    execute(primary, "SELECT pg_reload_conf()")
    Pair.wait(lambda: execute(primary, "SELECT sync_state FROM pg_stat_replication") == [("quorum",)])
    # One that is there is not let go of.
    assert not let_go_of_absent_standby(primary.admin_url)
    supervised.stop(hands)
    primary.cluster.stop("fast")
    primary.cluster.start()
    assert let_go_of_absent_standby(primary.admin_url)
    create_roles_and_database(primary.admin_url, dict.fromkeys(LOGIN_ROLES, PASSWORD))
    assert not let_go_of_absent_standby(primary.admin_url)


def test_what_took_over_the_writing_is_never_replaced(site: Site) -> None:
    primary, standby = supervised.open_pair(site)
    hands = Hands(primary, standby)
    supervised.ensure(site, hands)
    execute(standby, "SELECT pg_promote(true, 20)")
    execute(standby, "INSERT INTO note VALUES (7)")
    for act in (supervised.build, supervised.start, supervised.ensure):
        with pytest.raises(Refused) as refused:
            act(site, hands)
        assert refused.value.stable_code == "standby.is_writer"
    assert view(standby).is_writer
    assert execute(standby, "SELECT id FROM note") == [(7,)]


def test_nothing_is_built_where_no_standby_is_wanted(site: Site) -> None:
    primary, standby = supervised.open_pair(site)
    none = Site(settings=site.settings.model_copy(update={"standby_mode": "off"}), layout=site.layout)
    with pytest.raises(Refused) as refused:
        supervised.build(none, Hands(primary, standby))
    assert refused.value.hint is not None
    assert "HRX_STANDBY_MODE=async hrx up" in refused.value.hint.en
    assert not standby.cluster.data_dir.exists()
