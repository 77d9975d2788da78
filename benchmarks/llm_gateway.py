"""What the gateway to language models costs beside a bare client, and how soon another vendor answers."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import IO, Final

import aiohttp
import orjson

from benchmarks.figures import Aim, Figure, Section
from benchmarks.servers import ROOT
from hrx.app.gateway.answering import Attempted, Finished
from hrx.app.gateway.asking import Ask, Message, Speaker
from hrx.app.gateway.breaker import Breaker
from hrx.app.gateway.calling import Caller
from hrx.app.gateway.prices import Price
from hrx.app.gateway.targets import Clocks, Endpoint, Route, Target
from hrx.app.gateway.vendors.adapter import Vendor

_ROUNDS: Final = 15
_CALLS: Final = 200
_STREAMS: Final = 30
_HANGS: Final = 20
_TIMEOUT_S: Final = 0.3
OVERHEAD: Final = Aim(bound=0.15, is_lower_bound=False, unit="ms")
FAIL_OVER: Final = Aim(bound=50, is_lower_bound=False, unit="ms")
_PROMPT: Final = "就業規則によると、年次有給休暇は何日付与されますか。根拠となる条文も示してください。" * 5
_ASK: Final = Ask(
    feature="bench", messages=(Message(speaker=Speaker.USER, text=_PROMPT),), max_output_tokens=400
)
_CLOCKS: Final = Clocks(connect_s=5, first_token_s=30, idle_s=30, answer_s=30, call_s=60)
_PRICE: Final = Price(
    vendor="openai",
    model="m-1",
    valid_from=date(2025, 1, 1),
    valid_until=None,
    input_nano=250,
    cached_nano=25,
    output_nano=2000,
)
#: The same calls by LiteLLM, in its own environment: a line in, a round, milliseconds and CPU of a call out.
_LITELLM: Final = """
import asyncio, sys, time
import litellm
litellm.suppress_debug_info = True
base, prompt, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
async def ask():
    await litellm.acompletion(model="openai/m-1", api_base=base, api_key="k", max_tokens=400,
                              messages=[{"role": "user", "content": prompt}])
async def main():
    for line in sys.stdin:
        count = int(line)
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(count):
            await ask()
        spent = time.perf_counter() - wall, time.process_time() - cpu
        print(*(one * 1000 / count for one in spent), flush=True)
asyncio.run(main())
"""

Once = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Costs:
    """Milliseconds of a call, round by round: on the clock, and of our processor."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    async def measure(self, once: Once, *, calls: int) -> None:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        for _ in range(calls):
            await once()
        self.wall_ms.append((time.perf_counter() - wall_s) * 1000 / calls)
        self.cpu_ms.append((time.process_time() - cpu_s) * 1000 / calls)

    def over(self, floor: Costs) -> float:
        """What a call costs more than its neighbour in time: the median of the rounds' differences."""
        pairs = zip(self.wall_ms, floor.wall_ms, strict=True)
        return statistics.median(mine - bare for mine, bare in pairs)

    def cpu_over(self, floor: Costs) -> float:
        """The same of processor time, which other work on the machine disturbs least."""
        pairs = zip(self.cpu_ms, floor.cpu_ms, strict=True)
        return statistics.median(mine - bare for mine, bare in pairs)


class _Unwatched:
    """Counts nothing, and pays for everything."""

    def note_attempt(self, attempted: Attempted, *, operation: str) -> None: ...

    def note_fallback(self, target: Target, *, reason: str) -> None: ...

    def note_breaker(self, target: Target, breaker: Breaker) -> None: ...

    async def cover(self, requests: int) -> bool:
        return True


def measure_llm_gateway(*, litellm: Path | None) -> list[Section]:
    """`litellm`: a Python that has it, in an environment of its own; without one it is left out."""
    with _running_model() as url:
        peer = _Peer(litellm, url) if litellm is not None else None
        try:
            return asyncio.run(_measure(url, peer))
        finally:
            if peer is not None:
                peer.close()


async def _measure(url: str, peer: _Peer | None) -> list[Section]:
    costs = {name: Costs() for name in ("bare", "ours", "bare, streamed", "ours, streamed", "litellm")}
    target = _target(url)
    route, nobody = Route(targets=(target,)), _Unwatched()
    caller = Caller(nobody)
    async with aiohttp.ClientSession() as session:

        async def bare() -> None:
            await _ask_bare(session, url, is_streamed=False)

        async def bare_streamed() -> None:
            await _ask_bare(session, url, is_streamed=True)

        async def ours() -> None:
            await caller.complete(_ASK, caller.open_call(_ASK, route=route, permit=nobody))

        async def ours_streamed() -> None:
            async with aclosing(
                caller.stream(_ASK, caller.open_call(_ASK, route=route, permit=nobody))
            ) as events:
                last = [event async for event in events][-1]
            if not isinstance(last, Finished):
                raise RuntimeError("a stream without an end")

        for once in (bare, ours, bare_streamed, ours_streamed):
            await Costs().measure(once, calls=20)
        for _ in range(_ROUNDS):
            await costs["bare"].measure(bare, calls=_CALLS)
            await costs["ours"].measure(ours, calls=_CALLS)
            await costs["bare, streamed"].measure(bare_streamed, calls=_STREAMS)
            await costs["ours, streamed"].measure(ours_streamed, calls=_STREAMS)
            if peer is not None:
                await asyncio.to_thread(peer.measure, costs["litellm"], _CALLS // 4)
    await caller.close()
    return [_tell_costs(costs), await _measure_fail_over(url)]


async def _ask_bare(session: aiohttp.ClientSession, url: str, *, is_streamed: bool) -> None:
    """What anybody would write: encode, post, decode; of a stream every line."""
    body = {
        "model": "m-1",
        "messages": [{"role": "user", "content": _PROMPT}],
        "max_completion_tokens": 400,
        **({"stream": True, "stream_options": {"include_usage": True}} if is_streamed else {}),
    }
    headers = {"Content-Type": "application/json", "Authorization": "Bearer k"}
    async with session.post(f"{url}/chat/completions", data=orjson.dumps(body), headers=headers) as answer:
        if not is_streamed:
            orjson.loads(await answer.read())
            return
        async for line in answer.content:
            if line.startswith(b"data: {"):
                orjson.loads(line[6:])


async def _measure_fail_over(url: str) -> Section:
    """A first vendor that hangs: how long after its time-out the second one's answer is there."""
    hanging = replace(
        _target(f"{url}/hang".replace("/v1/hang", "/hang")),
        model="m-0",
        clocks=replace(_CLOCKS, answer_s=_TIMEOUT_S, first_token_s=_TIMEOUT_S),
    )
    route, nobody = Route(targets=(hanging, _target(url))), _Unwatched()
    late_ms: list[float] = []
    for number in range(_HANGS):
        # A new one each time: the breaker of an old one would not ask the first vendor any more.
        caller = Caller(nobody)
        began_s = time.perf_counter()
        call = caller.open_call(_ASK, route=route, permit=nobody)
        if number % 2:
            await caller.complete(_ASK, call)
        else:
            async with aclosing(caller.stream(_ASK, call)) as events:
                await anext(events)
        late_ms.append((time.perf_counter() - began_s - _TIMEOUT_S) * 1000)
        await caller.close()
    section = Section(
        name=f"llm gateway: fail-over, first vendor hangs, time-out {_TIMEOUT_S * 1000:.0f} ms",
        notes=("Whole answers and first words of streams in turn; connections are new each time.",),
    )
    raw = {"late_ms": late_ms}
    section.figures.append(
        Figure(
            what="answer after the time-out, median",
            value=statistics.median(late_ms),
            unit="ms",
            aim=FAIL_OVER,
            raw=raw,
        )
    )
    section.figures.append(Figure(what="slowest", value=max(late_ms), unit="ms", aim=FAIL_OVER))
    return section


def _tell_costs(costs: dict[str, Costs]) -> Section:
    section = Section(
        name="llm gateway: one call after the other, against a model that answers at once",
        notes=(
            "bare: aiohttp with orjson, encode, post, decode. ours: adapters, clocks, breaker, prices.",
            "The ledger's two transactions are not in it. Medians over rounds, each beside its neighbour.",
            f"streamed: {_STREAMS} answers of 200 events a round.",
        ),
    )
    for name, cost in costs.items():
        if not cost.wall_ms:
            continue
        raw = {"wall_ms": cost.wall_ms, "cpu_ms": cost.cpu_ms}
        section.figures.append(
            Figure(what=f"{name}: a call", value=statistics.median(cost.wall_ms), unit="ms", raw=raw)
        )
        section.figures.append(Figure(what=f"{name}: CPU", value=statistics.median(cost.cpu_ms), unit="ms"))
    for name, floor in (("ours", "bare"), ("ours, streamed", "bare, streamed"), ("litellm", "bare")):
        mine, bare = costs[name], costs[floor]
        if not mine.wall_ms:
            continue
        aim = OVERHEAD if name == "ours" else None
        for what, value in (("a call", mine.over(bare)), ("CPU", mine.cpu_over(bare))):
            section.figures.append(
                Figure(what=f"{name} over {floor}: {what}", value=value, unit="ms", aim=aim)
            )
    return section


def _target(url: str) -> Target:
    return Target(
        vendor=Vendor.OPENAI,
        model="m-1",
        endpoint=Endpoint(base_url=url, key="k"),
        clocks=_CLOCKS,
        price=_PRICE,
    )


class _Peer:
    """LiteLLM in a process of its own."""

    def __init__(self, python: Path, url: str) -> None:
        self._process = subprocess.Popen(
            [str(python), "-c", _LITELLM, url, _PROMPT, str(_CALLS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                "LITELLM_MODE": "PRODUCTION",
                "PATH": "/usr/bin:/bin",
            },
        )
        self.measure(Costs(), 20)

    def measure(self, into: Costs, calls: int) -> None:
        """One round. Raises RuntimeError when it ended."""
        say, hear = self._pipes()
        say.write(f"{calls}\n")
        say.flush()
        told = hear.readline().split()
        if len(told) != 2:
            raise RuntimeError("litellm ended")
        into.wall_ms.append(float(told[0]))
        into.cpu_ms.append(float(told[1]))

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("litellm has no pipes")
        return self._process.stdin, self._process.stdout

    def close(self) -> None:
        self._process.kill()
        self._process.wait(timeout=10)


@contextmanager
def _running_model() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.llm_server"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the model has no output")
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.wait(timeout=10)
