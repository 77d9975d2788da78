"""Whole rollouts under traffic, over a real HAProxy: promoted, sent back, interrupted, asked about."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pytest

from hrx.kit import clock
from hrx.kit.errors import Unavailable
from hrx.ops.release.gating.judging import Reason, Verdict
from hrx.ops.release.gating.policy import Policy
from hrx.ops.release.releases import Slot
from hrx.ops.release.strategies.progress import Progress, Stand, Why
from hrx.ops.release.strategies.rollout import Rollout, StepKind, Strategy, plan_steps
from hrx.ops.release.strategies.running import GONE_ON, SlotInUse, begin, decide, roll_back, run
from hrx.ops.release.strategies.stepping import advance
from hrx.ops.release.strategies.storing import RolloutBusy, RolloutStore, RolloutUnderWay
from tests.ops.release.strategies.place import Place

pytestmark = pytest.mark.req("R3.1-2", "R3.1-3")

#: Coarser than the product's own, so that a healthy version is believed after some 100 requests.
QUICK = Policy(
    tolerated_errors=0.1,
    tolerated_slow=0.4,
    observe_at_least_s=0.5,
    requests_at_least=20,
    ready_within_s=6,
    decide_within_s=20,
    slow_floor_ms=500,
)


def make_rollout(
    strategy: Strategy = Strategy.CANARY, *, new: Slot = Slot.GREEN, **changes: object
) -> Rollout:
    made = Rollout(
        id=f"{strategy}-{new}",
        release_id="r42",
        strategy=strategy,
        new=new,
        shares=(25,),
        policy=QUICK,
        watch_s=1,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def _begin(place: Place, rollout: Rollout) -> Rollout:
    begin(place.store, place.slots, rollout)
    return rollout


def test_the_slot_that_people_use_is_never_overwritten(place: Place) -> None:
    with pytest.raises(SlotInUse):
        begin(place.store, place.slots, make_rollout(new=Slot.BLUE))
    assert place.store.find() is None


@pytest.mark.parametrize("strategy", list(Strategy))
def test_a_good_version_takes_over_without_a_request_lost_and_goes_back_at_a_word(
    place: Place, strategy: Strategy
) -> None:
    place.be_known()
    _begin(place, make_rollout(strategy))
    with place.visited(per_s=150) as got:
        done = run(place.store, place.slots)
        assert done.stand is Stand.PROMOTED, done.reason
        assert set(place.shares("/api/v1/me", requests=20)) == {"api-green"}
        assert place.slots.edge.kept("web") == "green"
        begun = time.monotonic()
        back = roll_back(place.store, place.slots)
        assert back.stand is Stand.ROLLED_BACK
        assert time.monotonic() - begun < 5
        assert set(place.shares("/people", requests=20)) == {"web-blue"}
        assert place.slots.edge.kept("api") == "blue"
    assert got[None] == 0
    assert {"api-green", "web-green", "api-blue", "web-blue"} <= set(got)


@pytest.mark.parametrize("strategy", [Strategy.CANARY, Strategy.BLUE_GREEN])
def test_a_bad_version_rolls_itself_back(place: Place, strategy: Strategy) -> None:
    place.slots.moods["api-green"].bad = 1.0
    place.be_known()
    _begin(place, make_rollout(strategy))
    with place.visited(per_s=100) as got:
        done = run(place.store, place.slots)
    assert (done.stand, done.reason) == (Stand.ROLLED_BACK, Reason.MORE_ERRORS)
    # All at once costs what one look takes to see: half of 100 requests a second go to the API.
    assert 1 <= got[None] <= (15 if strategy is Strategy.CANARY else 60)
    assert done.harm == pytest.approx(got[None], abs=3)
    assert set(place.shares("/api/v1/me", requests=20)) == {"api-blue"}
    assert not place.slots.edge.look("api")["green"].is_taking


@pytest.mark.parametrize("takes_s", [0.3, 30.0])
def test_a_version_that_is_slow_or_hangs_rolls_itself_back_though_nothing_fails(
    place: Place, takes_s: float
) -> None:
    """Half a minute is longer than this test lasts: of such requests no answer is ever counted."""
    place.slots.moods["api-green"].takes_s = takes_s
    place.be_known()
    policy = replace(QUICK, slow_floor_ms=100, hang_s=2)
    _begin(place, make_rollout(policy=policy, services=("api",), drain_within_s=1))
    with place.asked_by(8) as got:
        done = run(place.store, place.slots)
    assert done.stand is Stand.ROLLED_BACK
    # What hangs is bad by itself, before the last of eight clients hangs with it.
    assert done.reason is Reason.SLOWER or (takes_s > 1 and done.reason is Reason.MORE_ERRORS)
    assert set(place.shares("/api/v1/me", requests=20)) == {"api-blue"}
    assert got["api-blue"] > 20


@pytest.mark.parametrize(("mood", "reason"), [("starts", Why.NOT_STARTED), ("is_ready", Reason.NEVER_READY)])
def test_nobody_is_sent_to_a_version_that_is_not_ready(place: Place, mood: str, reason: Reason | Why) -> None:
    setattr(place.slots.moods["web-green"], mood, False)
    _begin(place, make_rollout(policy=replace(QUICK, ready_within_s=2)))
    with place.visited(per_s=50) as got:
        done = run(place.store, place.slots)
    assert (done.stand, done.reason) == (Stand.ROLLED_BACK, reason)
    assert set(got) == {"api-blue", "web-blue"}


def test_killed_at_every_step_the_next_run_goes_on_where_it_stood(place: Place) -> None:
    """Each tick in a new process' eyes: nothing is known but what is on disk."""
    _begin(place, make_rollout())
    stood: list[tuple[int, Stand]] = []
    with place.visited(per_s=150) as got:
        while not (progress := place.store.get()).stand.is_over:
            following = advance(progress, place.slots, now=clock.now())
            # Killed after acting and before writing it down: the same tick comes twice.
            following = advance(place.store.get(), place.slots, now=clock.now())
            place.store.save(following)
            stood.append((following.step, following.stand))
            time.sleep(0.05)
    assert progress.stand is Stand.PROMOTED
    assert [step for step, _ in dict(stood).items()] == list(range(1 + len(plan_steps(progress.rollout))))
    assert got[None] == 0


def test_a_deployer_that_is_really_killed_leaves_a_rollout_that_goes_on(place: Place) -> None:
    _begin(place, make_rollout(policy=replace(QUICK, requests_at_least=60)))
    for service in ("api", "web"):
        place.slots.wake(service, "green")
    with place.visited(per_s=150) as got:
        for after_s in (0.6, 1.4, 1.2):
            child = os.fork()
            if not child:
                with suppress(BaseException):
                    run(place.store, place.slots)
                os._exit(0)
            time.sleep(after_s)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        done = run(place.store, place.slots)
    assert done.stand is Stand.PROMOTED
    assert sum(event.detail == GONE_ON for event in done.events) == 4
    assert got[None] == 0
    assert set(place.shares("/people", requests=10)) == {"web-green"}


def test_killed_on_the_way_back_the_way_back_is_finished(place: Place) -> None:
    place.be_known()
    _begin(place, make_rollout(Strategy.BLUE_GREEN))
    with place.visited(per_s=150):
        run(place.store, place.slots)
    asked = place.store.get().stop(Stand.UNDOING, Why.ASKED_FOR, now=clock.now())
    place.store.save(asked)
    done = run(place.store, place.slots)
    assert done.stand is Stand.ROLLED_BACK
    assert set(place.shares("/people", requests=10)) == {"web-blue"}


def test_an_edge_killed_in_the_middle_comes_back_with_the_old_version_and_is_put_right(place: Place) -> None:
    rollout = _begin(place, make_rollout(policy=replace(QUICK, requests_at_least=10_000)))
    _advance_to(place, StepKind.SHARE)
    advance(place.store.get(), place.slots, now=clock.now())
    assert place.shares("/api/v1/me", requests=80)["api-green"] >= 3
    place.kill_edge()
    with pytest.raises(Unavailable):
        advance(place.store.get(), place.slots, now=clock.now())
    place.start_edge()
    assert set(place.shares("/api/v1/me", requests=20)) == {"api-blue"}
    seen = advance(place.store.get(), place.slots, now=clock.now())
    assert seen.stand is Stand.RUNNING
    assert place.shares("/api/v1/me", requests=80)["api-green"] >= 3
    assert rollout.shares == (25,)


def test_two_operators_cannot_both_work_and_the_second_can_ask_for_the_way_back(place: Place) -> None:
    _begin(place, make_rollout(policy=replace(QUICK, requests_at_least=10_000)))
    ended: list[Progress] = []
    first = threading.Thread(target=lambda: ended.append(run(place.store, place.slots)))
    with place.visited(per_s=100) as got:
        first.start()
        deadline = time.monotonic() + 10
        while (current := place.store.get().current) is None or current.kind is not StepKind.SHARE:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(RolloutBusy) as busy:
            run(RolloutStore(place.store._folder), place.slots)
        assert str(os.getpid()) in busy.value.message.en
        with pytest.raises(RolloutUnderWay):
            place.store.begin(make_rollout(Strategy.ROLLING))
        back = roll_back(place.store, place.slots)
        first.join(timeout=10)
    assert back.stand is Stand.ROLLED_BACK
    assert [one.stand for one in ended] == [Stand.ROLLED_BACK]
    assert got[None] == 0


def test_with_too_little_traffic_nobody_is_sent_on_until_a_person_says_so(place: Place) -> None:
    _begin(place, make_rollout(policy=replace(QUICK, decide_within_s=1.0), services=("api",)))
    asked = run(place.store, place.slots)
    assert (asked.stand, asked.reason) == (Stand.ASKING, Reason.TOO_LITTLE_TRAFFIC)
    assert set(place.shares("/api/v1/me", requests=20)) == {"api-blue"}, "withdrawn while nobody judges"
    assert run(place.store, place.slots) == asked, "asking again changes nothing"
    decide(place.store, Verdict.PROMOTE)
    done = run(place.store, place.slots)
    assert done.stand is Stand.PROMOTED
    assert set(place.shares("/api/v1/me", requests=20)) == {"api-green"}


def test_all_at_once_with_too_little_traffic_the_switch_stands_and_a_person_is_asked(place: Place) -> None:
    policy = replace(QUICK, decide_within_s=1.0)
    place.be_known()
    _begin(place, make_rollout(Strategy.BLUE_GREEN, policy=policy, services=("api",)))
    asked = run(place.store, place.slots)
    assert (asked.stand, asked.reason) == (Stand.ASKING, Reason.TOO_LITTLE_TRAFFIC)
    assert set(place.shares("/api/v1/me", requests=10)) == {"api-green"}
    assert roll_back(place.store, place.slots).stand is Stand.ROLLED_BACK
    assert set(place.shares("/api/v1/me", requests=10)) == {"api-blue"}


def test_an_old_slot_that_was_stopped_is_woken_before_requests_go_back(place: Place) -> None:
    place.be_known()
    _begin(place, make_rollout(Strategy.BLUE_GREEN, services=("api",)))
    with place.visited(per_s=150) as got:
        run(place.store, place.slots)
        place.slots.end("api", "blue")
        place.slots.edge.rest("api", "blue")
        begun = time.monotonic()
        back = roll_back(place.store, place.slots)
        assert time.monotonic() - begun < 10
    assert back.stand is Stand.ROLLED_BACK
    assert got[None] == 0
    assert set(place.shares("/api/v1/me", requests=10)) == {"api-blue"}


def test_with_nothing_to_go_back_to_requests_stay_where_they_are_answered(place: Place) -> None:
    place.be_known()
    _begin(
        place, make_rollout(Strategy.BLUE_GREEN, services=("api",), policy=replace(QUICK, ready_within_s=2))
    )
    with place.visited(per_s=150):
        run(place.store, place.slots)
    place.slots.end("api", "blue")
    place.slots.moods["api-blue"].starts = False
    back = roll_back(place.store, place.slots)
    assert (back.stand, back.reason) == (Stand.ASKING, Why.OLD_NOT_READY)
    assert place.ask("/api/v1/me") == "api-green"


def test_a_record_that_cannot_be_written_sends_everybody_back(place: Place) -> None:
    _begin(place, make_rollout(policy=replace(QUICK, requests_at_least=10_000)))
    _advance_to(place, StepKind.SHARE)
    advance(place.store.get(), place.slots, now=clock.now())
    # A folder where the draft belongs: opening it fails as it does on a full disk.
    (place.store._folder / "current.new").mkdir()
    with pytest.raises(Unavailable) as told:
        run(place.store, place.slots)
    assert told.value.stable_code == "rollout.not_saved"
    assert place.shares("/api/v1/me", requests=20) == Counter({"api-blue": 20})
    (place.store._folder / "current.new").rmdir()
    assert roll_back(place.store, place.slots).stand is Stand.ROLLED_BACK


def _advance_to(place: Place, kind: StepKind) -> None:
    """Tick until that step begins."""
    deadline = time.monotonic() + 10
    while (current := place.store.get().current) is None or current.kind is not kind:
        assert time.monotonic() < deadline
        place.store.save(advance(place.store.get(), place.slots, now=clock.now()))
        time.sleep(0.05)
