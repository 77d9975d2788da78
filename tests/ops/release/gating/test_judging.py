"""The gate: bad versions are sent back within the harm budget, good ones are not, and nobody guesses."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrx.kit.errors import Invalid
from hrx.ops.release.gating.counting import Counts, Side
from hrx.ops.release.gating.evidence import WORSE
from hrx.ops.release.gating.judging import Reason, Verdict, judge
from hrx.ops.release.gating.observing import Look, Observations, Weighing
from hrx.ops.release.gating.policy import Policy
from tests.ops.release.gating.releases import BASELINE, Outcome, Version, release

pytestmark = pytest.mark.req("R3.1-2")


def _run(seed: int, *, rps: float = 100, bad: float = 0.002, slow: float = 0.05) -> Outcome:
    return release(seed, old=Version(), new=Version(bad=bad, slow=slow), requests_per_s=rps)


@pytest.mark.parametrize("rps", [20, 100])
@pytest.mark.parametrize("bad", [0.05, 0.2, 1.0])
def test_a_bad_version_is_taken_away_within_the_harm_budget(rps: float, bad: float) -> None:
    policy, outcomes = Policy(), [_run(seed, rps=rps, bad=bad) for seed in range(25)]
    assert all(one.judgement.verdict is not Verdict.PROMOTE for one in outcomes)
    told = Counter(one.judgement.reason for one in outcomes)
    assert told[Reason.MORE_ERRORS] >= 24
    # One look may bring more than one: what was under way when the budget was spent.
    assert max(one.bad for one in outcomes) <= policy.harm_budget + 2
    assert sorted(one.bad for one in outcomes)[len(outcomes) // 2] <= 6


@pytest.mark.parametrize("rps", [20, 100])
def test_a_version_as_good_as_before_is_promoted(rps: float) -> None:
    outcomes = [_run(seed, rps=rps) for seed in range(25)]
    assert Counter(one.judgement.verdict for one in outcomes)[Verdict.PROMOTE] >= 24
    assert not [one for one in outcomes if one.judgement.verdict is Verdict.ROLL_BACK]


def test_what_is_bad_on_both_sides_is_not_the_new_version_s_fault() -> None:
    """A database that is down makes three in ten requests fail, whoever answers."""
    for seed in range(25):
        found = release(
            seed,
            old=Version(bad=0.3),
            new=Version(bad=0.3),
            requests_per_s=100,
            policy=Policy(decide_within_s=60),
        )
        assert found.judgement.verdict is not Verdict.ROLL_BACK


def test_where_the_old_version_fails_often_too_chance_does_not_spend_the_budget() -> None:
    outcomes = [
        release(
            seed,
            old=Version(bad=0.05),
            new=Version(bad=0.05),
            requests_per_s=100,
            policy=Policy(decide_within_s=120),
        )
        for seed in range(25)
    ]
    told = Counter(one.judgement.reason for one in outcomes)
    assert told[Reason.HARM_BUDGET_SPENT] <= 1
    assert not [one for one in outcomes if one.judgement.verdict is Verdict.ROLL_BACK]


def test_a_slower_version_is_rolled_back_though_every_answer_is_right() -> None:
    outcomes = [_run(seed, slow=0.6) for seed in range(20)]
    assert {(one.judgement.verdict, one.judgement.reason) for one in outcomes} == {
        (Verdict.ROLL_BACK, Reason.SLOWER)
    }
    assert max(one.after_s for one in outcomes) < 30


def test_a_version_that_never_answers_is_rolled_back_long_before_a_time_out() -> None:
    new = Version(hangs=True)
    found = release(1, old=Version(), new=new, requests_per_s=100)
    assert found.judgement.verdict is Verdict.ROLL_BACK
    assert found.after_s < 10
    # The same with no histogram to tell what is slow: hanging is bad by itself.
    bare = Counts(begun=500, answered=500)
    found = release(1, old=Version(slow=0), new=Version(hangs=True), requests_per_s=20, baseline=bare)
    assert found.judgement.verdict is Verdict.ROLL_BACK
    assert found.after_s < 20


def test_too_little_traffic_is_asked_about_never_promoted() -> None:
    found = _run(1, rps=0.2, bad=0)
    assert (found.judgement.verdict, found.judgement.reason) == (Verdict.ASK, Reason.TOO_LITTLE_TRAFFIC)
    silent = release(1, old=Version(), new=Version(), requests_per_s=0)
    assert (silent.judgement.verdict, silent.judgement.reason) == (Verdict.ASK, Reason.TOO_LITTLE_TRAFFIC)
    assert silent.after_s == pytest.approx(Policy().decide_within_s, abs=1)


def test_readiness_comes_first() -> None:
    policy, nothing = Policy(), Counts()
    seen = Observations.begin(policy, old=nothing, new=nothing, baseline=BASELINE)
    seen = seen.add(Look(at_s=59, old=nothing, new=nothing, is_new_ready=False), policy)
    assert judge(seen, policy).reason is Reason.WAITING_FOR_READINESS
    never = seen.add(Look(at_s=60, old=nothing, new=nothing, is_new_ready=False), policy)
    assert judge(never, policy).verdict is Verdict.ROLL_BACK
    ready = seen.add(Look(at_s=60, old=nothing, new=nothing), policy)
    assert judge(ready, policy).verdict is None
    lost = ready.add(Look(at_s=61, old=nothing, new=nothing, is_new_ready=False), policy)
    assert judge(lost, policy).verdict is None
    # Beside the old version nobody is sent to it; alone it would have everybody.
    lost = lost.add(Look(at_s=62, old=nothing, new=nothing, is_new_ready=False), policy)
    assert judge(lost, policy).verdict is None
    assert judge(replace(lost, is_alone=True), policy).reason is Reason.NO_LONGER_READY
    lost = lost.add(Look(at_s=71, old=nothing, new=nothing, is_new_ready=False), policy)
    assert judge(lost, policy).reason is Reason.NO_LONGER_READY


def test_alone_after_a_whole_switch_it_is_judged_by_what_the_old_one_did_before() -> None:
    policy = Policy(requests_at_least=200)
    good = [release(seed, old=Version(), new=Version(), requests_per_s=100, share=1.0) for seed in range(20)]
    assert {one.judgement.verdict for one in good} <= {Verdict.PROMOTE, Verdict.ASK}
    assert sum(one.judgement.verdict is Verdict.PROMOTE for one in good) >= 18
    bad = [
        release(seed, old=Version(), new=Version(bad=0.2), requests_per_s=20, share=1.0, policy=policy)
        for seed in range(20)
    ]
    assert {one.judgement.reason for one in bad} <= {Reason.MORE_ERRORS, Reason.HARM_BUDGET_SPENT}
    assert max(one.bad for one in bad) <= policy.harm_budget + 4


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_busy_machine_is_not_taken_for_a_slower_version(share: float) -> None:
    policy = Policy(requests_at_least=400)
    found = [
        release(
            seed,
            old=Version(),
            new=Version(),
            requests_per_s=40,
            share=share,
            policy=policy,
            busy=(2.0, 40.0),
        )
        for seed in range(30)
    ]
    assert [one.judgement.reason for one in found if one.judgement.verdict is Verdict.ROLL_BACK] == []


def test_a_machine_that_stays_busy_is_a_question_for_a_person() -> None:
    found = release(
        1, old=Version(), new=Version(), requests_per_s=40, share=1.0, busy=(0.5, math.inf), until_s=5000
    )
    assert (found.judgement.verdict, found.judgement.reason) == (Verdict.ASK, Reason.MACHINE_STARVED)
    during = release(
        1, old=Version(), new=Version(), requests_per_s=40, share=1.0, busy=(0.5, math.inf), until_s=60
    )
    assert (during.judgement.verdict, during.judgement.reason) == (None, Reason.MACHINE_STARVED)


@pytest.mark.parametrize(("share", "within_s"), [(0.5, 15.0), (1.0, 15.0)])
def test_a_version_that_is_slower_itself_goes_back_before_and_after_the_machine_was_busy(
    share: float, within_s: float
) -> None:
    for seed in range(20):
        calm = release(seed, old=Version(), new=Version(slow=0.9), requests_per_s=40, share=share)
        assert (calm.judgement.verdict, calm.judgement.reason) == (Verdict.ROLL_BACK, Reason.SLOWER)
        assert calm.after_s <= within_s
        after = release(
            seed, old=Version(), new=Version(slow=0.9), requests_per_s=40, share=share, busy=(0.5, 30.0)
        )
        assert (after.judgement.verdict, after.judgement.reason) == (Verdict.ROLL_BACK, Reason.SLOWER)
        assert after.after_s <= 30 + Policy().starved_for_s + within_s


def test_a_check_that_is_late_is_nobodys_fault_while_the_old_version_is_late_too() -> None:
    policy, nothing = Policy(), Counts()
    seen = Observations.begin(policy, old=nothing, new=nothing, baseline=BASELINE, is_alone=True)
    seen = seen.add(Look(at_s=1, old=nothing, new=nothing), policy)

    def late(at_s: float, *, old: bool, before: Observations = seen) -> Observations:
        look = Look(
            at_s=at_s, old=nothing, new=nothing, is_new_ready=False, is_new_late=True, is_old_late=old
        )
        return before.add(look, policy)

    begun = late(2, old=False)
    # The edge may be about to notice that the old one is late as well.
    assert judge(late(4, old=False, before=begun), policy).verdict is None
    assert judge(late(6, old=False, before=begun), policy).reason is Reason.NO_LONGER_READY
    both = late(6, old=True, before=begun)
    assert (judge(both, policy).verdict, judge(both, policy).reason) == (None, Reason.MACHINE_STARVED)
    assert judge(late(700, old=True, before=both), policy).verdict is Verdict.ASK
    # One that refuses is dead, not late: a second is enough.
    dead = begun.add(Look(at_s=3, old=nothing, new=nothing, is_new_ready=False), policy)
    assert judge(dead, policy).reason is Reason.NO_LONGER_READY


def test_spent_without_proof_the_budget_takes_people_away_and_asks() -> None:
    policy = Policy(harm_budget=3, alpha=1e-9)
    found = release(1, old=Version(), new=Version(bad=0.2), requests_per_s=100, policy=policy)
    assert (found.judgement.verdict, found.judgement.reason) == (Verdict.ASK, Reason.HARM_BUDGET_SPENT)
    assert found.judgement.must_withdraw


@pytest.mark.parametrize(("times_likelier", "withdraws"), [(30.0, True), (5.0, False)])
def test_at_the_budget_people_are_taken_away_where_worse_is_likely_though_not_believed(
    times_likelier: float, withdraws: bool
) -> None:
    policy, nothing = Policy(), Counts()
    begun = Observations.begin(policy, old=nothing, new=nothing, baseline=BASELINE)
    # Chance may have a part in it: what is beyond it does not reach the budget.
    seen = replace(
        begun.add(Look(at_s=1, old=nothing, new=nothing), policy),
        old=Side(raw=nothing, good=1796, bad=4),
        new=Side(raw=nothing, good=190, bad=10),
        errors=Weighing(logs=(math.log(times_likelier),) * len(WORSE)),
        at_s=60.0,
    )
    found = judge(seen, policy)
    assert seen.harm_beyond_chance < policy.harm_budget
    assert found.must_withdraw is withdraws
    assert (found.reason is Reason.HARM_BUDGET_SPENT) is withdraws


def test_harm_of_earlier_stages_counts() -> None:
    policy, nothing = Policy(), Counts()
    seen = Observations.begin(policy, old=nothing, new=nothing, baseline=BASELINE, harm_before=10)
    seen = seen.add(Look(at_s=1, old=nothing, new=nothing), policy)
    assert judge(seen, policy).reason is Reason.HARM_BUDGET_SPENT


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 5), st.integers(0, 60), st.integers(0, 5)),
        min_size=1,
        max_size=20,
    ),
    restart_at=st.integers(0, 19),
)
@settings(max_examples=80, deadline=None)
def test_a_restart_of_the_edge_loses_no_count(
    steps: list[tuple[int, int, int, int]], restart_at: int
) -> None:
    """Counters that begin at 0 again in the middle add up to the same as counters that never did."""
    policy = Policy()

    def run(*, restarts: bool) -> Observations:
        old = new = Counts()
        seen = Observations.begin(policy, old=old, new=new, baseline=BASELINE)
        for number, (new_good, new_bad, old_good, old_bad) in enumerate(steps):
            if restarts and number == restart_at:
                # Something is counted before the first look after it; less than before it, or nothing
                # differs.
                old = new = Counts()
            new = _more(new, new_good, new_bad)
            old = _more(old, old_good, old_bad)
            seen = seen.add(Look(at_s=number, old=old, new=new), policy)
        return seen

    plain, restarted = run(restarts=False), run(restarts=True)
    # A counter that is past its former value by the first look after a restart looks like no restart.
    seen_before = sum(sum(step[:2]) for step in steps[:restart_at])
    after = sum(steps[restart_at][:2]) if restart_at < len(steps) else 0
    if after < seen_before:
        assert (restarted.new.good, restarted.new.bad) == (plain.new.good, plain.new.bad)


def _more(counts: Counts, good: int, bad: int) -> Counts:
    return replace(
        counts,
        begun=counts.begun + good + bad,
        answered=counts.answered + good,
        failed=counts.failed + bad,
    )


def test_a_policy_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        Policy(alpha=0)
    assert refused.value.stable_code == "gate.bad_policy"
