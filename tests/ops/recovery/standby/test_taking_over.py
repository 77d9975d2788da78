"""The take-over of a machine's pair, end to end on real servers: promoted, moved home, whole again; killed in
between, it goes on."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from hrx.kit.errors import Conflict, Refused
from hrx.kit.settings import SecretStr
from hrx.ops.ledger.entries import EntryFilter, Kind, open_ledger
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standby import supervised
from hrx.ops.recovery.standby.attending import StandbyDuty
from hrx.ops.recovery.standby.members import Member, view
from hrx.ops.recovery.standby.taking_over import come_home, rejoin, take_over
from hrx.ops.seams.sessions import SessionLost
from hrx.ops.targets.machine.fencing import kill_processes_on, list_processes_on, read_fence
from hrx.ops.targets.machine.homes import FIRST, SECOND, bring_home, find_writer
from hrx.ops.targets.target import PartState, PartStatus
from tests.ops.recovery.standby.conftest import Hands, Pair, execute, is_close

pytestmark = pytest.mark.req("R6.3-1", "R6.3-2")


class Killed(Exception):
    """As if the process had ended here."""


@pytest.fixture
def whole(site: Site) -> tuple[Site, Hands, list[str]]:
    """A site whose standby follows; the list takes the parts that clients were passed to."""
    primary, standby = supervised.open_pair(site)
    hands = Hands(primary, standby)
    supervised.build(site, hands)
    Pair.wait(lambda: is_close(primary, standby))
    return site, hands, []


def writer_of(site: Site) -> str:
    return find_writer(site.layout.postgres_data, site.layout.standby_data)


def count(member: Member) -> int:
    return int(str(execute(member, "SELECT count(*) FROM note")[0][0]))


def promote(
    site: Site, hands: Hands, passed: list[str], *, loss: int | None = 0, is_lost: bool = False
) -> dict[str, object]:
    return dict(
        take_over(site, hands, passed.append, run_id="test", loss_max_bytes=loss, is_primary_lost=is_lost)
    )


def test_a_planned_take_over_and_the_way_home(whole: tuple[Site, Hands, list[str]]) -> None:
    site, hands, passed = whole
    execute(hands.primary, "INSERT INTO note SELECT generate_series(1, 100)")
    told = promote(site, hands, passed)
    assert (told["taken_over"], told["lost_commits"]) == ("in order", 0)
    assert (passed, writer_of(site)) == ([SECOND], SECOND)
    execute(hands.standby, "INSERT INTO note VALUES (101)")
    # Once more changes nothing, and clients are passed on again.
    assert promote(site, hands, passed)["taken_over"] == "before"
    with pytest.raises(Conflict):
        rejoin(site, hands)

    assert come_home(site, hands, passed.append)["moved"] is True
    assert (passed[-1], writer_of(site)) == (FIRST, FIRST)
    assert (view(hands.primary).is_writer, count(hands.primary)) == (True, 101)
    assert rejoin(site, hands)["rejoined"] == "wound back"
    execute(hands.primary, "INSERT INTO note VALUES (102)")
    Pair.wait(lambda: count(hands.standby) == 102)
    assert read_fence(site.layout.postgres_data) is None
    assert read_fence(site.layout.standby_data) is None
    # Done again, both find everything in its place.
    assert come_home(site, hands, passed.append)["moved"] is False
    assert rejoin(site, hands)["rejoined"] == "follows already"


def test_after_the_primary_and_its_data_are_gone_the_pair_becomes_whole_again(
    whole: tuple[Site, Hands, list[str]],
) -> None:
    site, hands, passed = whole
    execute(hands.primary, "INSERT INTO note VALUES (1)")
    Pair.wait(lambda: is_close(hands.primary, hands.standby))
    kill_processes_on(site.layout.postgres_data)
    shutil.rmtree(site.layout.postgres_data)
    # Nothing is left that could tell what was lost: somebody has to say that this is accepted.
    with pytest.raises(Refused) as refused:
        promote(site, hands, passed)
    assert refused.value.stable_code == "standby.loss_unknown"
    assert (passed, writer_of(site)) == ([], FIRST)
    told = promote(site, hands, passed, loss=None)
    assert (told["taken_over"], hands.stopped[-1]) == ("after its end", FIRST)
    come_home(site, hands, passed.append)
    assert count(hands.primary) == 1
    assert rejoin(site, hands)["rejoined"] == "copied anew"
    Pair.wait(lambda: count(hands.standby) == 1)


@pytest.mark.parametrize("survived", [0, 1, 2])
def test_a_move_that_is_killed_between_its_renames_is_ended_by_the_next(
    whole: tuple[Site, Hands, list[str]], monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    site, hands, passed = whole
    execute(hands.primary, "INSERT INTO note VALUES (1)")
    promote(site, hands, passed)
    hands.standby.cluster.stop("fast")
    renames: list[Path] = []
    rename = Path.rename

    def killed_after(path: Path, target: Path) -> Path:
        if len(renames) == survived:
            raise Killed
        renames.append(path)
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed_after)
        with pytest.raises(Killed):
            bring_home(hands.primary.cluster, hands.standby.cluster)
    assert len(renames) == survived
    # The old primary is started by nobody meanwhile, wherever it lies.
    for home in (hands.primary.cluster, hands.standby.cluster):
        if (home.data_dir / "standby.signal").exists():
            with pytest.raises(Refused):
                home.start()
    assert bring_home(hands.primary.cluster, hands.standby.cluster)
    assert not bring_home(hands.primary.cluster, hands.standby.cluster)
    hands.start(FIRST, timeout_s=60)
    assert (view(hands.primary).is_writer, count(hands.primary)) == (True, 1)
    assert rejoin(site, hands)["rejoined"] == "wound back"


def test_a_home_in_use_is_not_moved_and_a_pair_in_its_place_stays(
    whole: tuple[Site, Hands, list[str]],
) -> None:
    site, hands, passed = whole
    assert not bring_home(hands.primary.cluster, hands.standby.cluster)
    promote(site, hands, passed)
    with pytest.raises(Conflict) as refused:
        bring_home(hands.primary.cluster, hands.standby.cluster)
    assert refused.value.stable_code == "standby.home_in_use"
    assert view(hands.standby).is_writer


def test_without_a_standby_that_runs_nothing_is_stopped(site: Site) -> None:
    primary, standby = supervised.open_pair(site)
    with pytest.raises(Refused) as refused:
        promote(site, Hands(primary, standby), [])
    assert refused.value.stable_code == "standby.none_to_promote"
    assert view(primary).is_writer


def test_the_keeper_lets_it_take_over_from_a_primary_that_hangs_and_says_so(
    whole: tuple[Site, Hands, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, hands, passed = whole
    changed = {
        "standby_takeover": "automatic",
        "standby_takeover_after_s": 1.0,
        "ledger_url": SecretStr(f"sqlite:///{tmp_path}/ledger.db"),
    }
    there = Site(settings=site.settings.model_copy(update=changed), layout=site.layout)
    duty = StandbyDuty(there)
    # The edge and the supervisor of this test are these hands.
    monkeypatch.setattr("hrx.ops.recovery.standby.attending.Supervisor", lambda _path: Asked(hands))
    monkeypatch.setattr(
        "hrx.ops.recovery.standby.attending.pass_database_to", lambda _f, _s, part: passed.append(part)
    )
    duty()
    for process in list_processes_on(site.layout.postgres_data):
        os.kill(process.pid, signal.SIGSTOP)
    # The question hangs for longer than the silence that is allowed: the same look acts.
    duty()
    assert (passed, writer_of(site)) == ([SECOND], SECOND)
    assert view(hands.standby).is_writer
    with pytest.raises(SessionLost):
        duty()
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    entries = ledger.list_entries(EntryFilter(kinds=(Kind.STANDBY,)), limit=5)
    assert [one.body["meaning"] for one in entries] == ["the standby took over"]
    assert entries[0].body["lost_commits"] == 0


class Asked:
    """The supervisor as the keeper asks it: the part runs, as far as it knows."""

    def __init__(self, hands: Hands) -> None:
        self.request_stop = hands.request_stop

    def get_part(self, _name: str) -> object:
        return PartStatus(name=FIRST, state=PartState.RUNNING)
