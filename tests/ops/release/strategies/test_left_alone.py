"""A deployer that died leaves its rollout to the operations plane, which ends it in the version's own way."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import pytest

from hrx.kit import clock
from hrx.ops.ledger.entries import Kind
from hrx.ops.release.gating.judging import Reason
from hrx.ops.release.strategies.progress import Stand, Why
from hrx.ops.release.strategies.rollout import StepKind, Strategy, plan_steps
from hrx.ops.release.strategies.running import begin, run
from hrx.ops.release.strategies.storing import RolloutStore
from hrx.ops.run.plane import Plane
from hrx.ops.run.rollouts import ACTOR, RolloutKeeper, RolloutMovedOn, ask_back
from tests.ops.release.strategies.place import Place
from tests.ops.release.strategies.test_rollouts import QUICK, make_rollout

pytestmark = pytest.mark.req("R3.1-2", "R3.1-3")


def _kill_at_share(place: Place) -> None:
    """A real process that deploys, killed as soon as people are on both versions."""
    child = os.fork()
    if not child:
        with suppress(BaseException):
            run(place.store, place.slots)
        os._exit(0)
    deadline = time.monotonic() + 15
    while (current := place.store.get().current) is None or current.kind is not StepKind.SHARE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.parametrize(
    ("bad", "stand", "server"),
    [(0.0, Stand.PROMOTED, "api-green"), (1.0, Stand.ROLLED_BACK, "api-blue")],
)
def test_it_is_taken_up_within_seconds(
    place: Place, plane: Plane, bad: float, stand: Stand, server: str
) -> None:
    watched = Plane(
        settings=plane.settings.model_copy(update={"var_dir": place.var}),
        content=plane.content,
        ledger=plane.ledger,
        target=plane.target,
        http=plane.http,
    )
    place.be_known()
    begin(place.store, place.slots, make_rollout(services=("api",)))
    place.slots.wake("api", "green")
    keeper = RolloutKeeper(lambda: place.slots)
    with place.visited(per_s=100) as got:
        _kill_at_share(place)
        place.slots.moods["api-green"].bad = bad
        killed_at = time.monotonic()
        while not place.store.get().stand.is_over:
            assert time.monotonic() < killed_at + 40
            keeper.keep(watched)
            time.sleep(0.2)
        keeper.wait(10)
    done = place.store.get()
    assert done.stand is stand
    assert set(place.shares("/api/v1/me", requests=10)) == {server}
    told = plane.ledger.find_last(Kind.ROLLOUT)
    assert told is not None
    assert (told.actor, told.body["stand"]) == (ACTOR, stand.value)
    if bad:
        assert done.reason is Reason.MORE_ERRORS
        # 25 % of 50 requests a second for 3 s of nobody, and the look after it.
        assert got[None] <= 80
    else:
        assert got[None] == 0


def test_what_is_over_or_asks_is_left_as_it_is(place: Place, plane: Plane) -> None:
    watched = Plane(
        settings=plane.settings.model_copy(update={"var_dir": place.var}),
        content=plane.content,
        ledger=plane.ledger,
        target=plane.target,
        http=plane.http,
    )
    keeper = RolloutKeeper(lambda: place.slots)
    keeper.keep(watched)
    begin(place.store, place.slots, make_rollout(policy=QUICK, services=("api",)))
    store = RolloutStore(place.store._folder)
    asked = store.get().stop(Stand.ASKING, Reason.TOO_LITTLE_TRAFFIC, now=clock.now())
    store.save(asked)
    path = place.store._folder / "current.json"
    os.utime(path, (time.time() - 60, time.time() - 60))
    keeper.keep(watched)
    keeper.wait(10)
    assert store.get() == asked
    assert plane.ledger.find_last(Kind.ROLLOUT) is None


def test_the_way_back_that_a_page_asked_for_is_taken_up_at_once_even_after_the_end(
    place: Place, plane: Plane
) -> None:
    watched = Plane(
        settings=plane.settings.model_copy(update={"var_dir": place.var}),
        content=plane.content,
        ledger=plane.ledger,
        target=plane.target,
        http=plane.http,
    )
    rollout = begin(
        place.store, place.slots, make_rollout(strategy=Strategy.BLUE_GREEN, services=("api",))
    ).rollout
    place.slots.wake("api", "green")
    place.slots.edge.send_all([("api", "green")])
    place.store.save(place.store.get().go_to(len(plan_steps(rollout)), now=clock.now()))
    keeper = RolloutKeeper(lambda: place.slots)
    keeper.keep(watched)
    keeper.wait(10)
    assert place.store.get().stand is Stand.PROMOTED, "over, and nobody asked"
    asked_at = time.monotonic()
    ask_back(watched, rollout.id, actor="sato")
    told = plane.ledger.find_last(Kind.ROLLOUT)
    assert told is not None
    assert (told.actor, told.body["asked"]) == ("sato", "roll_back")
    keeper.keep(watched)
    keeper.wait(20)
    done = place.store.get()
    assert (done.stand, done.reason) == (Stand.ROLLED_BACK, Why.ASKED_FOR)
    assert time.monotonic() - asked_at < 15, "not after the pause that follows a failure"
    assert set(place.shares("/api/v1/me", requests=10)) == {"api-blue"}
    with pytest.raises(RolloutMovedOn):
        ask_back(watched, rollout.id, actor="sato")
