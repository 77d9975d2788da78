"""Drills of a release on its way to people: nothing dropped, a broken one goes back by itself, and whoever is
killed on the way leaves nothing half-switched."""

from __future__ import annotations

import os
import signal
import time
from typing import Final

from hrx.kit import clock
from hrx.ops.drills.release.stack import Command, Said, Stack, stuck
from hrx.ops.drills.release.standing import ask_version
from hrx.ops.drills.release.watching import Watch, require_done
from hrx.ops.release.deploying import is_settled
from hrx.ops.release.gating.judging import Reason
from hrx.ops.release.releases import Release
from hrx.ops.release.strategies.progress import Stand

#: Half of the requests at once: what else the machine does meanwhile slows both versions alike.
_SHARED: Final = ("--strategy", "canary", "--shares", "50", "--yes")
#: Of these steps: the API is on the new version and watched, the portal has not moved.
_HALF_WAY: Final = 3
#: A machine that others work on may slow a sound version down just when it took over; then it is taken back.
_TRIES: Final = 3
_GOES_ON_WITHIN_S: Final = 600.0
_AGAIN_S: Final = 2.0
_EDGE_WITHIN_S: Final = 60.0
_POLL_S: Final = 0.02


def ensure_live(stack: Stack) -> Release:
    """Some version live and nothing under way, as every drill finds it; gives the version.

    Raises Unavailable."""
    progress = stack.rollouts.find()
    if progress is not None and not progress.stand.is_over:
        require_done(stack.hrx("rollback", "--yes"), "the end of what an earlier drill left")
    live = stack.place.store.look(stack.place.environment).live
    if live is not None:
        return stack.place.store.get(live)
    watch = Watch()
    with watch.people(stack):
        return deploy_next(stack, watch, first=stack.base)


def deploy_next(stack: Stack, watch: Watch, *, first: Release | None = None) -> Release:
    """A sound version live, the one that is given or one more; tried again with another where the gate took
    it back for being slow, which becomes a figure. Raises Unavailable."""
    for number in range(_TRIES):
        release = first if first is not None and number == 0 else stack.make_version()
        said = stack.hrx("deploy", release.id, *_SHARED)
        watch.note("taken_back", number)
        if said.code == 0 or not is_taken_back(said):
            break
    watch.hear(said)
    require_done(said, "the deploy")
    return release


def is_taken_back(said: Said) -> bool:
    """Whether the gate found the version slow, or too slow for the edge's own check, and nothing else wrong:
    seen on two cores with a load of 25, where others worked as well."""
    is_back = said.told.get("stand") == Stand.ROLLED_BACK
    return is_back and said.told.get("reason") in (Reason.SLOWER, Reason.NO_LONGER_READY)


def deploy_under_load(stack: Stack, watch: Watch) -> None:
    """Another version takes over while people are at work."""
    began_s = clock.monotonic_s()
    with watch.people(stack):
        release = deploy_next(stack, watch)
    watch.note("deploy_s", clock.monotonic_s() - began_s)
    watch.expect_on(stack, release)


def ship_broken(stack: Stack, watch: Watch) -> None:
    """A version that starts, says that it is ready, and fails people; as a canary, which is the default."""
    former, release = ensure_live(stack), stack.make_version(is_broken=True)
    began_s = clock.monotonic_s()
    with watch.people(stack):
        said = stack.hrx("deploy", release.id, "--yes")
    watch.note("back_s", clock.monotonic_s() - began_s)
    watch.hear(said)
    progress = stack.rollouts.get()
    watch.said.append(str(progress.reason))
    if progress.stand is not Stand.ROLLED_BACK or said.code == 0:
        raise stuck(f"the broken version is {progress.stand}, and the deploy ended with {said.code}")
    watch.expect_on(stack, former)


def kill_deployer(stack: Stack, watch: Watch) -> None:
    """`kill -9` between the API's switch and the portal's. Whoever comes next goes on: the same command, or
    the operations plane, which then has the rollout and tells the command so."""
    former, release = ensure_live(stack), stack.make_version()
    with watch.people(stack):
        command = stack.start("deploy", release.id, *_SHARED)
        stack.wait_for_step(release, number=_HALF_WAY)
        command.kill()
        killed_s = clock.monotonic_s()
        if ask_version(stack, "api") == ask_version(stack, "web"):
            raise stuck("the deployer was killed when nothing was half-way")
        said = stack.hrx("deploy", release.id, *_SHARED)
        watch.hear(said)
        ended = wait_until_settled(stack)
        watch.note("gone_on_s", clock.monotonic_s() - killed_s)
    watch.note("taken_back", ended is Stand.ROLLED_BACK)
    watch.expect_on(stack, release if ended is Stand.PROMOTED else former)


def kill_edge(stack: Stack, watch: Watch) -> None:
    """`kill -9` of HAProxy when the API has moved and the portal has not: it comes back as recorded."""
    former, release = ensure_live(stack), stack.make_version()
    with watch.people(stack):
        command = stack.start("deploy", release.id, *_SHARED)
        stack.wait_for_step(release, number=_HALF_WAY)
        _kill_part(stack, "haproxy")
        watch.note("edge_away_s", _wait_until_answered(stack))
        said = _promote_if_asked(stack, command.wait(), watch)
    _expect_end(stack, watch, said, release, former)


def ship_twice(stack: Stack, watch: Watch) -> None:
    """Two operators deploy two versions at the same moment: one goes out, the other is told."""
    former, releases = ensure_live(stack), [stack.make_version(), stack.make_version()]
    began_s = clock.monotonic_s()
    with watch.people(stack):
        commands = [stack.start("deploy", one.id, *_SHARED) for one in releases]
        first = _wait_for_first(commands)
        watch.note("refusal_s", clock.monotonic_s() - began_s)
        ended = [one.wait() for one in commands]
    refused, other = commands.index(first), 1 - commands.index(first)
    watch.hear(ended[refused])
    watch.note("also_live", max(0, sum(one.code == 0 for one in ended) - 1))
    if ended[refused].code == 0 or not ended[refused].error:
        raise stuck(f"nobody was refused: {' | '.join(one.words for one in ended)}")
    _expect_end(stack, watch, ended[other], releases[other], former)


def _expect_end(stack: Stack, watch: Watch, said: Said, release: Release, former: Release) -> None:
    """On the new version, or all back on the former where the gate took it for slower."""
    if is_taken_back(said):
        watch.note("taken_back", 1)
        watch.expect_on(stack, former)
        return
    watch.hear(said)
    require_done(said, "the deploy")
    watch.expect_on(stack, release)


def wait_until_settled(stack: Stack) -> Stand:
    """How the rollout ended, once all that follows its end is done. Raises Unavailable."""
    until_s = clock.monotonic_s() + _GOES_ON_WITHIN_S
    while clock.monotonic_s() < until_s:
        progress = stack.rollouts.get()
        if progress.stand is Stand.ASKING:
            stack.hrx("promote", "--yes")
        elif progress.stand.is_over and is_settled(stack.place, progress):
            return progress.stand
        time.sleep(_AGAIN_S)
    raise stuck(f"nobody went on with the rollout within {_GOES_ON_WITHIN_S:g} s")


def _promote_if_asked(stack: Stack, said: Said, watch: Watch) -> Said:
    """An edge that died took its counts along: with too little to compare a person is asked."""
    times = 0
    while said.code != 0 and stack.rollouts.get().stand is Stand.ASKING and times < 2:
        times += 1
        watch.said.append(str(stack.rollouts.get().reason))
        said = stack.hrx("promote", "--yes")
    watch.note("asked", times)
    return said


def _kill_part(stack: Stack, part: str) -> None:
    pid = stack.supervisor.get_part(part).pid
    if pid is None:
        raise stuck(f"{part} does not run")
    os.kill(pid, signal.SIGKILL)


def _wait_until_answered(stack: Stack) -> float:
    """Seconds until both services answer again. Raises Unavailable."""
    began_s = clock.monotonic_s()
    while not (ask_version(stack, "api") and ask_version(stack, "web")):
        if clock.monotonic_s() - began_s > _EDGE_WITHIN_S:
            raise stuck("the edge did not come back")
        time.sleep(_POLL_S)
    return clock.monotonic_s() - began_s


def _wait_for_first(commands: list[Command]) -> Command:
    """The one that ends first."""
    while True:
        for one in commands:
            if one.process.poll() is not None:
                return one
        time.sleep(_POLL_S)
