"""Plans, records and words of rollouts: no edge needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.kit.errors import Invalid, NotFound, Unavailable
from hrx.ops.release.gating.judging import Reason
from hrx.ops.release.gating.observing import Look, Observations
from hrx.ops.release.releases import Slot
from hrx.ops.release.strategies.progress import Progress, Stand, Why
from hrx.ops.release.strategies.rollout import Rollout, StepKind, Strategy, plan_steps, stage_policy
from hrx.ops.release.strategies.storing import RolloutStore
from hrx.ops.release.strategies.wording import (
    STRATEGIES,
    WHYS,
    say_progress,
    say_reason,
    say_step,
    show_comparisons,
)
from tests.ops.release.gating.releases import BASELINE

pytestmark = pytest.mark.req("R3.1-2")


def _rollout(strategy: Strategy = Strategy.CANARY) -> Rollout:
    return Rollout(id="one", release_id="r42", strategy=strategy, new=Slot.GREEN)


def test_every_strategy_wakes_before_it_sends_and_drains_what_it_left() -> None:
    for strategy in Strategy:
        steps = plan_steps(_rollout(strategy))
        for service in ("api", "web"):
            kinds = [step.kind for step in steps if service in step.services]
            assert kinds[0] is StepKind.WAKE
            assert kinds[-3:] == [StepKind.SWITCH, StepKind.WATCH, StepKind.DRAIN]
    canary = plan_steps(_rollout())
    assert [step.percent for step in canary if step.kind is StepKind.SHARE] == [10, 25, 10, 25]
    assert [step.services for step in plan_steps(_rollout(Strategy.ROLLING))][:4] == [("api",)] * 4


def test_all_comparisons_of_a_rollout_share_one_risk_of_a_false_way_back() -> None:
    rollout = _rollout()
    compared = [step for step in plan_steps(rollout) if step.kind in (StepKind.SHARE, StepKind.WATCH)]
    assert stage_policy(rollout).alpha * len(compared) == pytest.approx(rollout.policy.alpha)
    assert stage_policy(rollout).harm_budget == rollout.policy.harm_budget


def test_shares_that_do_not_rise_are_refused() -> None:
    for shares in ((25, 10), (0,), (100,), (10, 10)):
        with pytest.raises(Invalid):
            replace(_rollout(), shares=shares)


def test_a_record_is_read_as_it_was_written_evidence_and_all(tmp_path: Path) -> None:
    store = RolloutStore(tmp_path)
    with pytest.raises(NotFound):
        store.get()
    begun = store.begin(_rollout())
    policy = stage_policy(begun.rollout)
    seen = Observations.begin(policy, old=BASELINE, new=BASELINE, baseline=BASELINE)
    seen = seen.add(Look(at_s=1.5, old=BASELINE.plus(BASELINE), new=BASELINE.plus(BASELINE)), policy)
    progress = replace(begun, step=1, seen={"api": seen}).stop(
        Stand.ASKING, Why.OLD_NOT_READY, now=clock.now()
    )
    store.save(progress)
    assert store.get() == progress
    store.save(replace(progress, stand=Stand.PROMOTED))
    assert (tmp_path / "finished" / "one.json").exists()
    assert store.begin(replace(_rollout(), id="two")).stand is Stand.RUNNING


def test_a_record_that_is_damaged_is_told_not_guessed(tmp_path: Path) -> None:
    store = RolloutStore(tmp_path)
    store.begin(_rollout())
    path = tmp_path / "current.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(Unavailable) as told:
        store.get()
    assert told.value.stable_code == "rollout.unreadable"


def test_each_stand_says_where_it_is_and_what_to_type() -> None:
    now = clock.now()
    progress = Progress(rollout=_rollout(), began_at=now, step_at=now, step=1)
    told = say_progress(progress)
    assert "step 2 of" in told.en
    assert "compare under 10 % of the requests of api" in told.en
    assert "要求の 10 % で比較" in told.ja
    asked = say_progress(progress.stop(Stand.ASKING, Reason.TOO_LITTLE_TRAFFIC, now=now))
    assert "hrx release promote" in asked.en
    assert "hrx release promote" in asked.ja
    for stand in Stand:
        words = say_progress(progress.stop(stand, Why.ASKED_FOR, now=now))
        assert "r42" in words.en
        assert "r42" in words.ja
    assert set(WHYS) == set(Why)
    assert set(STRATEGIES) == set(Strategy)
    assert all(say_step(step).ja for strategy in Strategy for step in plan_steps(_rollout(strategy)))
    assert say_reason(None).en == ""
    assert show_comparisons(progress) == ()


def test_the_comparison_under_way_is_shown_from_the_record() -> None:
    now, policy = clock.now(), stage_policy(_rollout())
    seen = Observations.begin(policy, old=BASELINE, new=BASELINE, baseline=BASELINE)
    progress = Progress(rollout=_rollout(), began_at=now, step_at=now, step=1, seen={"api": seen})
    (view,) = show_comparisons(progress)
    assert (view.service, [row.weight_percent for row in view.rows]) == ("api", [90, 10])
    withdrawn = replace(progress, is_withdrawn=True)
    assert [row.weight_percent for row in show_comparisons(withdrawn)[0].rows] == [100, 0]
