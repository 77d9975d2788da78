"""Releases and ways back in a row under mixed load: what is lost, and what answers cost meanwhile; beside the
two usual ways without an edge."""

from __future__ import annotations

import asyncio
import shutil
import socket
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.figures import Aim, Figure, Section
from benchmarks.releasing.fleet import (
    Fleet,
    end_process,
    running_fleet,
    start_server,
    wait_until_answered,
)
from benchmarks.releasing.people import People, Seen, while_people
from benchmarks.servers import free_port
from hrx.ops.release.gating.policy import Policy
from hrx.ops.release.releases import Slot
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.rollout import Rollout, Strategy
from hrx.ops.release.strategies.running import begin, roll_back, run
from hrx.ops.release.strategies.storing import RolloutStore

LOST: Final = Aim(bound=0, is_lower_bound=False, unit="requests")
ENOUGH: Final = Aim(bound=100_000, is_lower_bound=True, unit="requests")
P99: Final = Aim(bound=1.3, is_lower_bound=False)
WARM: Final = Aim(bound=100, is_lower_bound=False, unit="ms")
COLD: Final = Aim(bound=10, is_lower_bound=False, unit="s")
_CALM_S: Final = 3.0
_CROWD: Final = {"kept": 14, "fresh": 6, "posts": 4, "streams": 4, "pause_s": 0.025}
#: A whole switch at once, judged by the past; the gate itself is measured by `canary`.
_POLICY: Final = Policy(observe_at_least_s=0.5, requests_at_least=100)


@dataclass(kw_only=True)
class _Round:
    """Moments of one release and its way back, in seconds of the performance counter."""

    calm_from: float
    begun: float
    ended: float
    to_first_answer_ms: float = 0.0


@dataclass(kw_only=True)
class _Result:
    seen: Seen
    rounds: list[_Round] = field(default_factory=list)
    cold_s: list[float] = field(default_factory=list)

    def p99_ratios(self) -> list[float]:
        """Of each round: p99 of quick requests during it, over that of the calm just before."""
        found = []
        for one in self.rounds:
            calm = self.seen.between(one.calm_from, one.begun)
            during = self.seen.between(one.begun, one.ended)
            if len(calm) >= 100 and len(during) >= 100:
                found.append(_p99(during) / _p99(calm))
        return found


def measure_deploys(*, rounds: int) -> list[Section]:
    """`rounds` releases, each followed by the way back, over the edge; fewer of each other way."""
    few = max(3, rounds // 10)
    edge = asyncio.run(_over_edge(rounds))
    sections = [_show_edge(edge, rounds)]
    for name, way in (("stop, then start", _stop_and_start), ("shared listening socket", _shared_socket)):
        sections.append(_show_other(name, asyncio.run(way(few)), few))
    return sections


def _show_edge(found: _Result, rounds: int) -> Section:
    lost, switches = found.seen.lost.total(), 2 * rounds
    warm = [one.to_first_answer_ms for one in found.rounds]
    ratios = found.p99_ratios()
    kinds = {f"{kind} {slot}": number for (kind, slot), number in found.seen.answered.items()}
    return Section(
        name=f"{rounds} releases, each with its way back, over the edge",
        notes=(
            f"clients: {_CROWD}; each release starts a process and ends the old one after its streams",
            f"lost by kind: {dict(found.seen.lost) or 'nothing'}; answered by kind and slot: {kinds}",
            "p99 ratio: quick requests during a release and its way back, over the 3 s before; median",
        ),
        figures=[
            Figure(what="switches", value=switches, unit=""),
            Figure(what="requests", value=found.seen.requests, unit="requests", aim=ENOUGH),
            Figure(what="lost", value=lost, unit="requests", aim=LOST),
            Figure(
                what="p99 during / before",
                value=statistics.median(ratios),
                unit="",
                aim=P99,
                raw={"ratios": ratios},
            ),
            Figure(
                what="warm way back: command to the edge's change, median",
                value=statistics.median(warm),
                unit="ms",
                aim=WARM,
                raw={"ms": warm},
            ),
            Figure(what="warm way back: worst", value=max(warm), unit="ms", aim=WARM),
            Figure(
                what="cold way back: the old process is started first, worst",
                value=max(found.cold_s),
                unit="s",
                aim=COLD,
                raw={"s": found.cold_s},
            ),
            Figure(
                what="release and way back, median",
                value=statistics.median(one.ended - one.begun for one in found.rounds),
                unit="s",
            ),
        ],
    )


def _show_other(name: str, found: _Result, rounds: int) -> Section:
    ratios = found.p99_ratios()
    return Section(
        name=f"{rounds} releases by {name}",
        notes=(
            f"the same clients, straight to the server; lost by kind: {dict(found.seen.lost) or 'nothing'}",
            *(
                ("the new version gets requests as soon as it listens: no gate is possible",)
                if "socket" in name
                else ()
            ),
        ),
        figures=[
            Figure(what="requests", value=found.seen.requests, unit="requests"),
            Figure(what="lost", value=found.seen.lost.total(), unit="requests", aim=LOST),
            Figure(what="lost per release", value=found.seen.lost.total() / rounds, unit="requests"),
            # Where nearly nobody was answered meanwhile there is no percentile either.
            *(
                [Figure(what="p99 during / before", value=statistics.median(ratios), unit="", aim=P99)]
                if ratios
                else []
            ),
        ],
    )


async def _over_edge(rounds: int) -> _Result:
    with running_fleet() as fleet:
        people, result = People(fleet.port), _Result(seen=Seen())
        home = Path(tempfile.mkdtemp(prefix="hrx-bench-rollout-"))

        def work() -> None:
            time.sleep(_CALM_S)
            for number in range(rounds):
                result.rounds.append(_release_and_return(fleet, RolloutStore(home), number))
            for number in range(3):
                result.cold_s.append(_return_cold(fleet, RolloutStore(home), number))

        try:
            await while_people(people, people.mixed(**_CROWD), work)  # type: ignore[arg-type]
        finally:
            shutil.rmtree(home, ignore_errors=True)
        result.seen = people.seen
        return result


def _release_and_return(fleet: Fleet, store: RolloutStore, number: int) -> _Round:
    calm_from = time.perf_counter()
    time.sleep(_CALM_S)
    begun = time.perf_counter()
    _release(fleet, store, f"r{number}")
    asked = time.perf_counter()
    moved: list[float] = []
    done = roll_back(
        store,
        fleet.slots,
        tell=lambda one: moved.append(time.perf_counter()) if one.stand is Stand.UNDOING else None,
    )
    _expect(done, Stand.ROLLED_BACK)
    fleet.processes.end("api-green")
    return _Round(
        calm_from=calm_from,
        begun=begun,
        ended=time.perf_counter(),
        to_first_answer_ms=(moved[0] - asked) * 1000,
    )


def _return_cold(fleet: Fleet, store: RolloutStore, number: int) -> float:
    """The old process has ended meanwhile: seconds until requests are answered by it again."""
    _release(fleet, store, f"cold{number}")
    fleet.slots.edge.rest("api", "blue")
    fleet.processes.end("api-blue")
    asked = time.perf_counter()
    moved: list[float] = []
    done = roll_back(
        store,
        fleet.slots,
        tell=lambda one: moved.append(time.perf_counter()) if one.stand is Stand.ROLLED_BACK else None,
    )
    _expect(done, Stand.ROLLED_BACK)
    fleet.processes.end("api-green")
    return moved[0] - asked


def _release(fleet: Fleet, store: RolloutStore, name: str) -> None:
    begin(
        store,
        fleet.slots,
        Rollout(
            id=name,
            release_id=name,
            strategy=Strategy.BLUE_GREEN,
            new=Slot.GREEN,
            services=("api",),
            policy=_POLICY,
        ),
    )
    _expect(run(store, fleet.slots), Stand.PROMOTED)


def _expect(progress: Progress, stand: Stand) -> None:
    if progress.stand is not stand:
        raise RuntimeError(f"{progress.stand} ({progress.reason}) instead of {stand}")


async def _stop_and_start(rounds: int) -> _Result:
    port = free_port()
    server = [start_server("one", "--port", str(port))]
    wait_until_answered(port)

    def swap(number: int) -> None:
        end_process(server.pop())
        server.append(start_server(f"v{number}", "--port", str(port)))
        wait_until_answered(port)

    return await _measure(port, rounds, swap, lambda: end_process(server.pop()))


async def _shared_socket(rounds: int) -> _Result:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        port, fd = listening.getsockname()[1], listening.fileno()
        server = [start_server("one", "--fd", str(fd), fds=(fd,))]
        wait_until_answered(port)

        def swap(number: int) -> None:
            new = start_server(f"v{number}", "--fd", str(fd), fds=(fd,))
            # Nobody tells when it takes its first request; a fixed wait is all there is.
            time.sleep(2)
            end_process(server.pop())
            server.append(new)

        return await _measure(port, rounds, swap, lambda: end_process(server.pop()))


async def _measure(port: int, rounds: int, swap: Callable[[int], None], end: Callable[[], None]) -> _Result:
    people, result = People(port), _Result(seen=Seen())

    def work() -> None:
        for number in range(rounds):
            calm_from = time.perf_counter()
            time.sleep(_CALM_S)
            begun = time.perf_counter()
            swap(number)
            result.rounds.append(_Round(calm_from=calm_from, begun=begun, ended=time.perf_counter()))

    try:
        await while_people(people, people.mixed(**_CROWD), work)  # type: ignore[arg-type]
    finally:
        await asyncio.to_thread(end)
    result.seen = people.seen
    return result


def _p99(latencies_ms: list[float]) -> float:
    return statistics.quantiles(latencies_ms, n=100, method="inclusive")[98]
