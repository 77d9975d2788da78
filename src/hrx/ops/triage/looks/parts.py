"""Checks of one part of ours: its process, what it takes, whether it answers."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Final

import psutil

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.check import Fact
from hrx.ops.seams.looking import LookFailed
from hrx.ops.targets.target import PartState
from hrx.ops.triage.eyes import Eyes
from hrx.ops.triage.looking import CheckSpec, Seen
from hrx.ops.triage.memory import growth_of
from hrx.ops.triage.reading import failure_kind

_SAMPLE_S: Final = 0.6
#: So long a process that has just started takes memory for good reasons.
_GROWN_UP_S: Final = 60.0
_EXITS: Final = re.compile(r"^(\S+ \S+) \S+ exited: (\S+) \(([^)]*)\)", re.M)
_MIB: Final = 1024 * 1024
#: What working processes do not do for a minute, and what they do not do within half a second.
_TREND_BYTES_PER_MIN: Final = 30 * _MIB
_BURST_BYTES_PER_MIN: Final = 300 * _MIB


def _look_at_process(eyes: Eyes, params: Mapping[str, str], _timeout_s: float) -> Seen:
    status = eyes.find_part(params["part"])
    exits = _exits_of(eyes, status.name)
    facts: dict[str, Fact] = {
        "part": status.name,
        "state": status.state.value,
        "is_running": None if status.state is PartState.UNKNOWN else status.state is PartState.RUNNING,
        "pid": status.pid,
        "uptime_s": status.uptime_s,
        "says": status.says or None,
        "exits": len(exits),
        "is_suspended": _is_suspended(status.pid),
        "started_recently": None if status.uptime_s is None else status.uptime_s < eyes.window_s,
    }
    return Seen(facts=facts, raw="\n".join(exits))


def _exits_of(eyes: Eyes, name: str) -> list[str]:
    """Ends that nobody asked for, within the window, as the supervisor's own log tells them."""
    since = eyes.at.timestamp() - eyes.window_s
    found = []
    for at, program, how in _EXITS.findall(eyes.plane.target.tail_log("supervisord", size_bytes=200_000)):
        if program == name and "not expected" in how and _moment(at) >= since:
            found.append(f"{at} {program} {how}")
    return found


def _moment(text: str) -> float:
    try:
        # supervisord writes local time; the machine and we share it.
        return time.mktime(time.strptime(text.partition(",")[0], "%Y-%m-%d %H:%M:%S"))
    except ValueError:
        return 0.0


def _is_suspended(pid: int | None) -> bool | None:
    """Whether somebody stopped the process with a signal: it is there, and does nothing."""
    if pid is None:
        return None
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return None


def _look_at_resources(eyes: Eyes, params: Mapping[str, str], _timeout_s: float) -> Seen:
    status = eyes.find_part(params["part"])
    if status.pid is None:
        return Seen(facts={"part": status.name})
    family = _family(status.pid)
    cpu_before, started = _cpu_s(family), clock.monotonic_s()
    memory_before = _memory(family)
    time.sleep(_SAMPLE_S)
    took = clock.monotonic_s() - started
    memory = _memory(family)
    growth = growth_of(status.name, pid=status.pid)
    is_trend = growth is not None
    growth = growth if is_trend else (memory - memory_before) / took * 60 if memory_before else None
    facts: dict[str, Fact] = {
        "part": status.name,
        "cpu_cores": round(max(0.0, _cpu_s(family) - cpu_before) / took, 2),
        "machine_cpu_ratio": round(psutil.cpu_percent(interval=None) / 100, 2),
        "memory_mb": round(memory / _MIB, 1),
        "memory_growth_mb_per_min": None if growth is None else round(growth / _MIB, 1),
        # A start takes memory quickly, and is no leak.
        "is_leaking": None
        if growth is None or _age_s(family) < _GROWN_UP_S
        else growth > (_TREND_BYTES_PER_MIN if is_trend else _BURST_BYTES_PER_MIN),
        "threads": sum(_threads(process) for process in family),
    }
    return Seen(facts=facts, raw="\n".join(_line(process) for process in family))


def _age_s(family: list[psutil.Process]) -> float:
    try:
        return time.time() - float(family[0].create_time()) if family else 0.0
    except psutil.Error:
        return 0.0


def _family(pid: int) -> list[psutil.Process]:
    try:
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.Error:
        return []


def _cpu_s(family: list[psutil.Process]) -> float:
    total = 0.0
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def _memory(family: list[psutil.Process]) -> int:
    total = 0
    for process in family:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total


def _threads(process: psutil.Process) -> int:
    try:
        return int(process.num_threads())
    except psutil.Error:
        return 0


def _line(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {process.name()} {process.status()} {process.memory_info().rss // _MIB} MiB"
    except psutil.Error:
        return f"{process.pid} (gone)"


def _look_at_answers(eyes: Eyes, params: Mapping[str, str], _timeout_s: float) -> Seen:
    part = eyes.resolve(params["part"])
    url = eyes.url_of(part)
    if url is None or not url.startswith("http"):
        return Seen(facts={"part": part})
    path = "/web/livez" if part.startswith("web-") else _LIVE_PATHS.get(part, "/livez")
    try:
        page = eyes.plane.http.get_page(url + path)
    except LookFailed as error:
        return Seen(facts={"part": part, "answers": False, "refusal": failure_kind(error)}, raw=error.why.en)
    return Seen(
        facts={
            "part": part,
            "answers": page.status_code < 500,
            "refusal": "none" if page.status_code < 500 else "error",
            "status_code": page.status_code,
            "latency_ms": page.latency_ms,
        },
        raw=page.text[:2000],
    )


_LIVE_PATHS: Final = {"haproxy": "/", "prometheus": "/-/ready", "alertmanager": "/-/ready"}

CHECKS: Final = (
    CheckSpec(
        id="part.process",
        title=Text(ja="プロセスの状態", en="State of the process"),
        asks=Text(
            ja="プロセス管理(supervisord)に状態を聞き、予期しない終了の記録を数える",
            en="Asks the supervisor for the state and counts ends that nobody asked for",
        ),
        facts=(
            "part", "state", "is_running", "pid", "uptime_s", "says", "exits", "is_suspended",
            "started_recently",
        ),
        timeout_s=3,
        look=_look_at_process,
        params=("part",),
    ),
    CheckSpec(
        id="part.resources",
        title=Text(ja="CPU とメモリーの使い方", en="What it takes of CPU and memory"),
        asks=Text(
            ja="プロセスとその子を 0.6 秒測り、メモリーの増え方を見る",
            en="Measures the process and its children for 0.6 s, and how memory grows",
        ),
        facts=(
            "part", "cpu_cores", "machine_cpu_ratio", "memory_mb", "memory_growth_mb_per_min",
            "is_leaking", "threads",
        ),
        timeout_s=4,
        look=_look_at_resources,
        params=("part",),
    ),
    CheckSpec(
        id="part.answers",
        title=Text(ja="部品そのものの応答", en="Whether the part itself answers"),
        asks=Text(
            ja="入口を通さず、部品のアドレスに直接問い合わせる",
            en="Asks the part at its own address, past the edge",
        ),
        facts=("part", "answers", "refusal", "status_code", "latency_ms"),
        timeout_s=4,
        look=_look_at_answers,
        params=("part",),
    ),
)  # fmt: skip
