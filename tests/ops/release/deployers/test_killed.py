"""Whoever is killed wherever, nothing is left half-switched: people, worker and every record end on one
release, seen from outside, at the edge and in the list of processes."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from hrx.kit import clock
from hrx.ops.release.deploying import alone, fill_first, is_settled
from hrx.ops.release.releases import Release, Slot
from hrx.ops.release.strategies.progress import Stand
from hrx.ops.release.strategies.running import begin, roll_back
from hrx.ops.run.plane import Plane
from hrx.ops.run.rollouts import RolloutKeeper
from tests.ops.release.deployers.site import Site, in_child, kill_when_written, wait_for

pytestmark = [pytest.mark.req("R3.1-2", "R3.7-1"), pytest.mark.timeout(600)]
#: Before which file was put in place (and for the how manyth time) the deployer dies.
BEFORE_THE_END = [
    ("current.json", 1),
    ("supervisord.conf", 1),
    ("slot-code.json", 1),
    ("supervisord.conf", 2),
    ("slot-code.json", 2),
    ("current.json", 3),
    ("live.json", 1),
    ("live.json", 2),
]
AFTER_THE_END = [("supervisord.conf", 3), ("slot-code.json", 3)]


def killed_at(site: Site, release: Release, name: str, time_of: int) -> None:
    def deploy() -> None:
        kill_when_written(None, name, time_of=time_of)
        site.deploy(release)

    assert in_child(deploy) == -signal.SIGKILL


def taken_up_by_the_plane(site: Site, plane: Plane) -> None:
    """The duty of the operations plane, until there is nothing left for it to do."""
    watched = replace(plane, settings=site.settings, ledger=site.ledger)

    def is_done() -> bool:
        keeper = RolloutKeeper(lambda: site.hands, lambda _settings: site.place)
        with clock.shifted(timedelta(seconds=10)):
            keeper.keep(watched)
        keeper.wait(120)
        site.is_promoted_by_hand()
        progress = site.rollouts.get()
        return progress.stand.is_over and is_settled(site.place, progress)

    wait_for(is_done, "the plane goes on where it stood", within_s=240)


@pytest.mark.parametrize(("name", "time_of"), BEFORE_THE_END)
def test_a_deployer_killed_before_the_end_is_gone_on_from_by_the_same_command(
    site: Site, name: str, time_of: int
) -> None:
    release = site.make_next()
    killed_at(site, release, name, time_of)
    assert site.ask("api"), "people are answered meanwhile"
    assert site.deploy(release).stand is Stand.PROMOTED
    assert site.list_disagreements(release) == []


@pytest.mark.parametrize(("name", "time_of"), [*BEFORE_THE_END[1:3], BEFORE_THE_END[-1], *AFTER_THE_END])
def test_a_deployer_killed_anywhere_is_gone_on_from_by_the_plane(
    site: Site, plane: Plane, name: str, time_of: int
) -> None:
    release = site.make_next()
    killed_at(site, release, name, time_of)
    taken_up_by_the_plane(site, plane)
    assert site.list_disagreements(release) == []


def test_killed_on_the_way_back_all_is_back(site: Site, plane: Plane) -> None:
    standing = site.place.store.look(site.place.environment).live
    assert standing is not None
    former, release = site.place.store.get(standing), site.make_next()
    site.deploy(release)

    def go_back() -> None:
        kill_when_written(None, "live.json", time_of=2)
        roll_back(site.rollouts, site.hands)

    assert in_child(go_back) == -signal.SIGKILL
    taken_up_by_the_plane(site, plane)
    assert site.list_disagreements(former) == []


@pytest.mark.parametrize(
    ("name", "time_of"), [("slot-code.json", 2), ("current.json", 3), ("live.json", 1), ("live.json", 2)]
)
def test_an_edge_killed_at_any_step_comes_back_as_the_record_says(
    site: Site, name: str, time_of: int
) -> None:
    release = site.make_next()
    edge = site.pid_of("haproxy")

    def deploy() -> None:
        kill_when_written(edge, name, time_of=time_of)
        site.deploy(release)

    assert in_child(deploy) == 0
    assert site.pid_of("haproxy") != edge, "it was killed, and the supervisor started another"
    assert site.list_disagreements(release) == []
    # Once more after the end: its next start chooses the same.
    os.kill(site.pid_of("haproxy"), signal.SIGKILL)
    wait_for(lambda: site.ask("api") and site.ask("web"), "the edge is back")
    assert site.list_disagreements(release) == []


def test_without_its_supervisor_nobody_is_moved_and_the_next_run_goes_on(site: Site) -> None:
    standing = site.place.store.look(site.place.environment).live
    assert standing is not None
    former, release = site.place.store.get(standing), site.make_next()
    daemon = site._daemon
    assert daemon is not None

    def deploy() -> None:
        kill_when_written(daemon.pid, "slot-code.json", time_of=2)
        site.deploy(release)

    assert in_child(deploy) == 1, "nobody can look after the worker, and that is told"
    assert site.rollouts.get().stand is Stand.ROLLED_BACK, "what cannot be started is given up"
    assert (site.ask("api"), site.ask("web")) == (former.commit[:12], former.commit[:12])
    # As `hrx up` does: what the dead one left goes, then everything starts anew.
    site.kill_supervisor()
    site.kill_orphans()
    site.start_supervisor()
    site.start_parts()
    assert site.deploy(release).stand is Stand.PROMOTED
    assert site.list_disagreements(release) == []


def test_of_two_operators_one_deploys_and_the_other_is_told(site: Site) -> None:
    releases = [site.make_next(), site.make_next()]
    codes: dict[str, int] = {}

    def deploy(release: Release) -> None:
        codes[release.id] = in_child(lambda: site.deploy(release))

    both = [threading.Thread(target=deploy, args=(release,)) for release in releases]
    for one in both:
        one.start()
    for one in both:
        one.join(300)
    live = site.place.store.look(site.place.environment).live
    assert [one for one, code in codes.items() if code == 0].count(str(live)) == 1
    assert site.list_disagreements(site.place.store.get(str(live))) == []


def test_a_disk_that_is_full_while_the_slot_is_filled_moves_nobody(site: Site) -> None:
    standing = site.place.store.look(site.place.environment).live
    assert standing is not None
    former, release = site.place.store.get(standing), site.make_next()

    def deploy() -> None:
        new = Slot.GREEN if site.hands.edge.kept("api") == Slot.BLUE else Slot.BLUE
        begin(site.rollouts, site.hands, site.make_rollout(release, new))
        with alone(site.ledger, by="sato", reason="full"):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
            fill_first(site.place, site.rollouts.get(), by="sato")

    assert in_child(deploy) == 1
    time.sleep(0.5)
    assert (site.ask("api"), site.ask("web")) == (former.commit[:12], former.commit[:12])
    # Room was made.
    assert site.deploy(release).stand is Stand.PROMOTED
    assert site.list_disagreements(release) == []


def test_a_version_that_never_gets_ready_leaves_all_as_it_was(site: Site) -> None:
    standing = site.place.store.look(site.place.environment).live
    assert standing is not None
    former, release = site.place.store.get(standing), site.make_next()
    broken = site.place.store.folder / release.id / "code" / "src" / "hrx" / "app" / "api.py"
    broken.write_text("raise SystemExit(3)\n")
    assert site.deploy(release).stand is Stand.ROLLED_BACK
    assert site.list_disagreements(former) == []
