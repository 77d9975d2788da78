"""What a bad version costs people until it has rolled itself back, and how often a good one is sent back."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.figures import Aim, Figure, Section
from benchmarks.releasing.fleet import Fleet, running_fleet
from benchmarks.releasing.people import People, while_people
from benchmarks.releasing.simulating import OLD_BAD, Trial, count_verdicts, simulate
from hrx.ops.release.gating.judging import Verdict
from hrx.ops.release.releases import Slot
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.rollout import Rollout, Strategy
from hrx.ops.release.strategies.running import begin, run
from hrx.ops.release.strategies.storing import RolloutStore

RATES: Final = (20, 100)
BAD: Final = (0.05, 0.2, 1.0)
HARM: Final = Aim(bound=10, is_lower_bound=False, unit="errors")
FALSE: Final = Aim(bound=1, is_lower_bound=False, unit="%")
_PAST_S: Final = {20: 14.0, 100: 5.0}


@dataclass(frozen=True, kw_only=True)
class _Real:
    """A real rollout: what people lost, and seconds from the first share to the way back (or to the end)."""

    progress: Progress
    lost: int
    took_s: float


def measure_canary(*, trials: int, real: int) -> list[Section]:
    """`trials` simulated releases for each cell, `real` real ones over HAProxy."""
    return [_simulate(trials), *([_really(real)] if real else [])]


def _simulate(trials: int) -> Section:
    figures = []
    for rate in RATES:
        for bad in BAD:
            found = [simulate(seed, requests_per_s=rate, bad=bad) for seed in range(trials)]
            figures += _harm(f"{bad:.0%} bad, {rate} requests/s", found)
        healthy = [simulate(10_000 + seed, requests_per_s=rate, bad=OLD_BAD) for seed in range(trials)]
        back = sum(one.verdict is Verdict.ROLL_BACK for one in healthy)
        asked = sum(one.verdict is Verdict.ASK for one in healthy)
        raw = {"verdicts": count_verdicts(healthy)}
        what = f"healthy, {rate} requests/s"
        figures += [
            Figure(what=f"{what}: rolled back", value=100 * back / trials, unit="%", aim=FALSE, raw=raw),
            Figure(what=f"{what}: asked a person", value=100 * asked / trials, unit="%", raw=raw),
            Figure(
                what=f"{what}: whole rollout, median",
                value=statistics.median(one.took_s for one in healthy),
                unit="s",
                raw=raw,
            ),
        ]
    return Section(
        name=f"Canary, simulated: the same judge, {trials} releases each",
        notes=(
            f"the old version is bad for {OLD_BAD:.1%} of requests; shares, budget and risks as by default",
            "errors: 5xx of the new version until the verdict",
        ),
        figures=figures,
    )


def _harm(what: str, found: list[Trial]) -> list[Figure]:
    errors = sorted(one.bad for one in found)
    times = sorted(one.took_s for one in found)
    missed = sum(one.verdict is Verdict.PROMOTE for one in found)
    within = sum(number <= HARM.bound for number in errors)
    raw = {"errors": errors, "seconds": times, "verdicts": count_verdicts(found)}
    return [
        Figure(
            what=f"{what}: errors, median", value=statistics.median(errors), unit="errors", aim=HARM, raw=raw
        ),
        Figure(what=f"{what}: errors, worst", value=errors[-1], unit="errors", aim=HARM),
        Figure(what=f"{what}: within the budget", value=100 * within / len(found), unit="%"),
        Figure(what=f"{what}: seconds, median", value=statistics.median(times), unit="s"),
        Figure(what=f"{what}: promoted all the same", value=missed, unit="releases"),
    ]


def _really(rounds: int) -> Section:
    figures = []
    with running_fleet() as fleet:
        for rate in RATES:
            for bad in BAD:
                found = [asyncio.run(_release(fleet, rate=rate, bad=bad)) for _ in range(rounds)]
                lost = [one.lost for one in found]
                raw = {
                    "lost": lost,
                    "seconds": [one.took_s for one in found],
                    "stands": [f"{one.progress.stand}: {one.progress.reason}" for one in found],
                }
                what = f"{bad:.0%} bad, {rate} requests/s"
                figures += [
                    Figure(what=f"{what}: errors, worst", value=max(lost), unit="errors", aim=HARM, raw=raw),
                    Figure(
                        what=f"{what}: seconds, median",
                        value=statistics.median(one.took_s for one in found),
                        unit="s",
                    ),
                ]
        healthy = [asyncio.run(_release(fleet, rate=100, bad=0.0)) for _ in range(rounds)]
        back = sum(one.progress.stand is not Stand.PROMOTED for one in healthy)
        figures += [
            Figure(what="healthy, 100 requests/s: not promoted", value=back, unit="releases"),
            Figure(what="healthy: requests lost", value=sum(one.lost for one in healthy), unit="requests"),
            Figure(
                what="healthy: seconds, median", value=statistics.median(h.took_s for h in healthy), unit="s"
            ),
        ]
    return Section(
        name=f"Canary, real: HAProxy, processes under uvicorn, {rounds} each",
        notes=(
            "half of the requests on kept, half on fresh connections; errors: what clients lost, all kinds",
            "seconds: from the first request given to the new version to the end of the way back",
        ),
        figures=figures,
    )


async def _release(fleet: Fleet, *, rate: int, bad: float) -> _Real:
    """Blue is old, green is new; in the end blue has everything again."""
    home = Path(tempfile.mkdtemp(prefix="hrx-bench-rollout-"))
    fleet.processes.bad["api-green"] = bad
    people = People(fleet.port)
    got: list[tuple[Progress, float]] = []

    def work() -> None:
        time.sleep(_PAST_S[rate])
        store = RolloutStore(home)
        begin(
            store,
            fleet.slots,
            Rollout(id="one", release_id="r1", strategy=Strategy.CANARY, new=Slot.GREEN, services=("api",)),
        )
        shared_at: list[float] = []
        done = run(
            store,
            fleet.slots,
            tell=lambda one: shared_at.append(time.monotonic()) if one.step == 1 else None,
        )
        got.append((done, time.monotonic() - shared_at[0]))

    try:
        await while_people(people, people.paced(rate), work)
    finally:
        fleet.slots.edge.send_all([("api", "blue")])
        fleet.slots.edge.keep("api", "blue")
        fleet.slots.edge.rest("api", "green")
        fleet.processes.end("api-green")
        shutil.rmtree(home, ignore_errors=True)
    progress, took_s = got[0]
    return _Real(progress=progress, lost=people.seen.lost.total(), took_s=took_s)
