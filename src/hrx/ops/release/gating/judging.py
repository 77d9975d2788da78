"""The gate's answer: promote, roll back, ask a person, or keep watching. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from hrx.ops.release.gating.evidence import lower_bound, total_evidence, upper_bound
from hrx.ops.release.gating.observing import Observations
from hrx.ops.release.gating.policy import Policy


class Verdict(StrEnum):
    """What should happen to the new version."""

    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    ASK = "ask"


class Reason(StrEnum):
    """Why; the sentences are in `wording`."""

    WAITING_FOR_READINESS = "waiting_for_readiness"
    WATCHING = "watching"
    NEVER_READY = "never_ready"
    NO_LONGER_READY = "no_longer_ready"
    MACHINE_STARVED = "machine_starved"
    MORE_ERRORS = "more_errors"
    SLOWER = "slower"
    HARM_BUDGET_SPENT = "harm_budget_spent"
    TOO_LITTLE_TRAFFIC = "too_little_traffic"
    NOT_CLEAR = "not_clear"
    AS_GOOD_AS_BEFORE = "as_good_as_before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The figures behind a judgement. `errors` and `latency`: how many times likelier "worse" has become;
    at `needed` it is believed. The bounds are of ratios (0–1)."""

    errors: float
    latency: float
    needed: float
    errors_at_most: float
    errors_allowed: float
    slow_at_most: float
    slow_allowed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`verdict` is None while more must be seen. `must_withdraw`: nobody may be sent to the new version
    meanwhile; so it is when the harm budget is spent and nothing is proven."""

    verdict: Verdict | None
    reason: Reason
    harm: float
    evidence: Evidence
    must_withdraw: bool = False


def judge(observations: Observations, policy: Policy) -> Judgement:
    """What is to be done after all that was seen. May be asked after every look: `alpha` holds all the
    same."""
    evidence = _weigh(observations, policy)
    verdict, reason, must_withdraw = _decide(observations, policy, evidence)
    return Judgement(
        verdict=verdict,
        reason=reason,
        harm=observations.harm,
        evidence=evidence,
        must_withdraw=must_withdraw,
    )


def _decide(seen: Observations, policy: Policy, evidence: Evidence) -> tuple[Verdict | None, Reason, bool]:
    if seen.ready_at_s is None:
        if seen.at_s >= policy.ready_within_s:
            return Verdict.ROLL_BACK, Reason.NEVER_READY, False
        return None, Reason.WAITING_FOR_READINESS, False
    if evidence.errors >= evidence.needed:
        return Verdict.ROLL_BACK, Reason.MORE_ERRORS, False
    if evidence.latency >= evidence.needed and _is_slower_for_long(seen, policy):
        return Verdict.ROLL_BACK, Reason.SLOWER, False
    if seen.unready_since_s is not None:
        if seen.is_starved(policy):
            return _wait_for_machine(seen, policy)
        alone_s = policy.unready_for_s + (policy.slow_alone_for_s if seen.is_new_late else 0.0)
        patience_s = alone_s if seen.is_alone else policy.unready_beside_s
        if seen.at_s - seen.unready_since_s >= patience_s:
            return Verdict.ROLL_BACK, Reason.NO_LONGER_READY, False
        return None, Reason.WATCHING, False
    if seen.harm_beyond_chance >= policy.harm_budget or _is_likely_harm(seen, policy, evidence):
        return Verdict.ASK, Reason.HARM_BUDGET_SPENT, True
    return _look_for_an_end(seen, policy, evidence)


def _is_likely_harm(seen: Observations, policy: Policy, evidence: Evidence) -> bool:
    """As many bad answers as may be, where "worse" is likely and not yet believed: half of the way, in
    factors. What chance gives a sound version among thousands of answers is not likely so."""
    return seen.harm_before + seen.new.bad >= policy.harm_budget and evidence.errors >= math.sqrt(
        evidence.needed
    )


def _is_slower_for_long(seen: Observations, policy: Policy) -> bool:
    """At once where both are measured side by side; alone, once the edge had the time to notice that the
    machine is at fault."""
    if not seen.is_alone:
        return True
    since_s = seen.slower_since_s
    return since_s is not None and seen.at_s - since_s >= policy.slow_alone_for_s


def _wait_for_machine(seen: Observations, policy: Policy) -> tuple[Verdict | None, Reason, bool]:
    """Neither version answers the edge in time: nothing is said against the new one, and a person is asked
    when that does not end."""
    since_s = seen.unready_since_s if seen.unready_since_s is not None else seen.at_s
    is_over = seen.at_s - since_s >= policy.decide_within_s
    return Verdict.ASK if is_over else None, Reason.MACHINE_STARVED, False


def _look_for_an_end(
    seen: Observations, policy: Policy, evidence: Evidence
) -> tuple[Verdict | None, Reason, bool]:
    watched_s = seen.at_s - (seen.ready_at_s or 0.0)
    has_enough = seen.new.requests >= policy.requests_at_least and watched_s >= policy.observe_at_least_s
    is_good = evidence.errors_at_most <= evidence.errors_allowed
    is_fast = evidence.slow_at_most <= evidence.slow_allowed
    if has_enough and is_good and is_fast:
        return Verdict.PROMOTE, Reason.AS_GOOD_AS_BEFORE, False
    is_starved = seen.is_starved(policy)
    if watched_s < policy.decide_within_s:
        return None, Reason.MACHINE_STARVED if is_starved else Reason.WATCHING, False
    if is_starved:
        return Verdict.ASK, Reason.MACHINE_STARVED, False
    # Nothing to compare times with, or no bad answer at all and still no proof: simply too little to go by.
    is_thin = (
        seen.new.requests < policy.requests_at_least
        or seen.slow_ms is None
        or (seen.new.bad == 0 and not is_good)
    )
    return Verdict.ASK, Reason.TOO_LITTLE_TRAFFIC if is_thin else Reason.NOT_CLEAR, False


def _weigh(seen: Observations, policy: Policy) -> Evidence:
    """Bounds of the old version's ratios are taken from both before and beside."""
    risk = policy.beta / 2
    old_bad, old_all = seen.old.bad, seen.old.requests
    if not old_all:
        old_bad, old_all = seen.baseline.failed, seen.baseline.requests
    new_slow, new_timed, old_slow, old_timed = seen.timed
    if not old_timed and seen.slow_ms is not None:
        fast, old_slow = seen.baseline.count_over(seen.slow_ms)
        old_timed = fast + old_slow
    return Evidence(
        errors=total_evidence(seen.errors.logs),
        latency=total_evidence(seen.latency.logs),
        needed=policy.evidence_needed,
        errors_at_most=upper_bound(seen.new.bad, seen.new.requests, risk),
        errors_allowed=lower_bound(old_bad, old_all, risk) + policy.tolerated_errors,
        slow_at_most=upper_bound(new_slow, new_timed, risk),
        slow_allowed=lower_bound(old_slow, old_timed, risk) + policy.tolerated_slow,
    )
