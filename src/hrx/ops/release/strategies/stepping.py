"""One tick of a rollout: look, act where the edge is not as it should be, judge, and say what comes next.

Every tick may be the last one of this process. So each acts on what it finds, not on what was done before: a
share that a restarted edge forgot is given again, a switch that was already made changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from hrx.kit.errors import Unavailable
from hrx.ops.release.gating.judging import Judgement, Reason, Verdict, judge
from hrx.ops.release.gating.observing import Look, Observations
from hrx.ops.release.strategies.hands import Hands, count
from hrx.ops.release.strategies.progress import Progress, Stand, Why
from hrx.ops.release.strategies.rollout import Step, StepKind, plan_steps, stage_policy
from hrx.ops.targets.edge import ServerLook

#: Two of the edge's own checks (deploy/edge/haproxy.cfg) after a slot was woken; earlier it may tell of
#: before.
CHECKED_AFTER_S: Final = 1.0


def advance(progress: Progress, hands: Hands, *, now: datetime) -> Progress:
    """The state after one tick at `now`. Raises Unavailable when the edge does not answer."""
    match progress.stand:
        case Stand.RUNNING:
            step = progress.current
            return (
                progress.go_to(progress.step, now=now) if step is None else _take(progress, step, hands, now)
            )
        case Stand.UNDOING:
            return _undo(progress, hands, now)
        case Stand.ASKING:
            return _withdraw(progress, hands)
        case Stand.PROMOTED | Stand.ROLLED_BACK:
            return progress
        case _:
            assert_never(progress.stand)


def answer(progress: Progress, verdict: Verdict, *, now: datetime) -> Progress:
    """What a person decided. Promoted, the shares of this service are skipped, not the watch after the
    switch."""
    if verdict is Verdict.ROLL_BACK:
        return progress.stop(Stand.UNDOING, Why.ASKED_FOR, now=now)
    if verdict is Verdict.ASK or progress.stand is not Stand.ASKING:
        return progress
    steps = plan_steps(progress.rollout)
    following = progress.step + 1
    while following < len(steps) and steps[following].kind is StepKind.SHARE:
        following += 1
    return progress.go_to(following, now=now)


def _take(progress: Progress, step: Step, hands: Hands, now: datetime) -> Progress:
    match step.kind:
        case StepKind.WAKE:
            return _wake(progress, step, hands, now)
        case StepKind.SHARE | StepKind.WATCH:
            return _compare(progress, step, hands, now)
        case StepKind.SWITCH:
            return _switch(progress, step, hands, now)
        case StepKind.DRAIN:
            return _drain(progress, step, hands, now)
        case _:
            assert_never(step.kind)


def _wake(progress: Progress, step: Step, hands: Hands, now: datetime) -> Progress:
    new = progress.rollout.new.value
    if not progress.is_prepared:
        for service in step.services:
            try:
                hands.wake(service, new)
            except Unavailable as error:
                return progress.stop(Stand.UNDOING, Why.NOT_STARTED, now=now, detail=error.message.en)
            hands.edge.check_on(service, new)
        return replace(progress, is_prepared=True)
    waited_s = progress.step_s(now)
    is_ready = waited_s >= CHECKED_AFTER_S and all(
        hands.is_ready(service, new) and hands.edge.look(service)[new].is_up for service in step.services
    )
    if is_ready:
        return progress.go_to(progress.step + 1, now=now)
    for service in step.services:
        # An edge that was restarted meanwhile does not check a slot that rests.
        hands.edge.check_on(service, new)
    if waited_s >= progress.rollout.policy.ready_within_s:
        return progress.stop(Stand.UNDOING, Reason.NEVER_READY, now=now)
    return progress


def _compare(progress: Progress, step: Step, hands: Hands, now: datetime) -> Progress:
    rollout, policy = progress.rollout, stage_policy(progress.rollout)
    looks = {service: hands.edge.look(service) for service in step.services}
    _put_right(progress, step, hands, looks)
    seen, judged = dict(progress.seen), []
    for service, servers in looks.items():
        old, new = count(servers[rollout.old]), count(servers[rollout.new])
        if service not in seen:
            seen[service] = Observations.begin(
                policy,
                old=old,
                new=new,
                baseline=old,
                is_alone=step.kind is StepKind.WATCH,
                harm_before=progress.harm,
            )
        # The slot was proven ready before; a check that a restarted edge has not made yet is no sign against
        # it.
        is_up = servers[rollout.new].is_up or not servers[rollout.new].is_taking
        look = Look(
            at_s=progress.step_s(now),
            old=old,
            new=new,
            is_new_ready=is_up,
            is_old_late=servers[rollout.old].is_late,
            is_new_late=servers[rollout.new].is_late,
        )
        seen[service] = seen[service].add(look, policy)
        judged.append(judge(seen[service], policy))
    return _follow(replace(progress, seen=seen), step, judged, now)


def _follow(progress: Progress, step: Step, judged: list[Judgement], now: datetime) -> Progress:
    """What the judgements of all services come to: the gravest counts."""
    for one in judged:
        if one.verdict is Verdict.ROLL_BACK:
            return progress.stop(Stand.UNDOING, one.reason, now=now)
    for one in judged:
        if one.must_withdraw or (one.verdict is Verdict.ASK and not _is_watched(progress, step, now)):
            return progress.stop(Stand.ASKING, one.reason, now=now)
    is_good = all(one.verdict is Verdict.PROMOTE for one in judged)
    if is_good or _is_watched(progress, step, now):
        return progress.go_to(progress.step + 1, now=now)
    return progress


def _is_watched(progress: Progress, step: Step, now: datetime) -> bool:
    """Whether this was a last watch over what shares have already shown, and its time is over."""
    is_last_watch = step.kind is StepKind.WATCH and not step.must_convince
    return is_last_watch and progress.step_s(now) >= progress.rollout.watch_s


def _put_right(
    progress: Progress, step: Step, hands: Hands, looks: Mapping[str, Mapping[str, ServerLook]]
) -> None:
    old, new = progress.rollout.old, progress.rollout.new
    for service, servers in looks.items():
        if step.kind is StepKind.SHARE:
            is_right = servers[new].is_taking and servers[new].weight == step.percent
            if not (is_right and servers[old].is_taking and servers[old].weight == 100 - step.percent):
                hands.edge.share(service, new=new.value, percent=step.percent)
        elif servers[old].is_taking or not servers[new].is_taking:
            hands.edge.send_all([(service, new.value)])


def _switch(progress: Progress, step: Step, hands: Hands, now: datetime) -> Progress:
    # On disk first: an edge that is restarted in between must not send people back to what is about to rest.
    for service in step.services:
        hands.edge.keep(service, progress.rollout.new.value)
    hands.edge.send_all([(service, progress.rollout.new.value) for service in step.services])
    return progress.go_to(progress.step + 1, now=now)


def _drain(progress: Progress, step: Step, hands: Hands, now: datetime) -> Progress:
    in_use = sum(hands.edge.look(service)[progress.rollout.old].in_use for service in step.services)
    if in_use and progress.step_s(now) < progress.rollout.drain_within_s:
        return progress
    return replace(progress, left_open=progress.left_open + in_use).go_to(progress.step + 1, now=now)


def _touched(progress: Progress) -> tuple[str, ...]:
    """Services that any step so far has to do with."""
    steps = plan_steps(progress.rollout)[: progress.step + 1]
    named = {service for step in steps for service in step.services}
    return tuple(service for service in progress.rollout.services if service in named)


def _withdraw(progress: Progress, hands: Hands) -> Progress:
    """While a person is asked nobody judges, so nobody is sent to a version on trial. After a switch it has
    taken over, and stays, unless the harm budget is spent."""
    step = progress.current
    if step is None or progress.is_settled:
        return progress
    _send_back(hands, step.services, progress.rollout.old.value)
    return replace(progress, is_withdrawn=True)


def _send_back(hands: Hands, services: tuple[str, ...], old: str) -> None:
    """One command; then the same for later starts of the edge."""
    hands.edge.send_all([(service, old) for service in services])
    for service in services:
        hands.edge.keep(service, old)


def _undo(progress: Progress, hands: Hands, now: datetime) -> Progress:
    """All requests back to the old slot at once; then the new one comes to its end of work, and rests."""
    rollout, services = progress.rollout, _touched(progress)
    old, new = rollout.old.value, rollout.new.value
    if not progress.is_prepared:
        # Asked at their own ports: the edge notices a process that ended a second late.
        cold = [service for service in services if not hands.is_alive(service, old)]
        if cold:
            return _wake_old(progress, hands, cold, now)
        _send_back(hands, services, old)
        return replace(progress, is_prepared=True)
    in_use = sum(hands.edge.look(service)[new].in_use for service in services)
    if in_use and progress.step_s(now) < rollout.drain_within_s:
        return progress
    for service in services:
        hands.edge.rest(service, new)
    done = replace(progress, stand=Stand.ROLLED_BACK, left_open=in_use, harm=progress.total_harm, seen={})
    return done.note(now)


def _wake_old(progress: Progress, hands: Hands, cold: list[str], now: datetime) -> Progress:
    if progress.step_s(now) >= progress.rollout.policy.ready_within_s:
        return progress.stop(Stand.ASKING, Why.OLD_NOT_READY, now=now, detail=" ".join(cold))
    for service in cold:
        # One that cannot be started now is tried again with the next tick.
        with suppress(Unavailable):
            hands.wake(service, progress.rollout.old.value)
    return progress
