"""Checks of the API: its loop, its dependencies as it sees them, its routes, its connection pool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from hrx.kit.errors import Text
from hrx.ops.check import Fact
from hrx.ops.seams.looking import LookFailed
from hrx.ops.triage.eyes import Eyes
from hrx.ops.triage.looking import CheckSpec, Seen
from hrx.ops.triage.looks.demand import measure_wanted_core
from hrx.ops.triage.reading import (
    excerpt,
    failure_kind,
    percentile,
    read_lines,
    read_requests,
    read_samples,
    total,
)

_CPU_SAMPLE_S: Final = 0.5
#: Fewer requests than this say nothing about a ratio.
_ENOUGH: Final = 5
_SLOW_MS: Final = 2000.0
#: /livez asks nothing of anybody; an answer later than this waited for the loop.
_LATE_MS: Final = 400.0


def _look_at_loop(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    status = eyes.find_part("api")
    busy = measure_wanted_core(status.pid, for_s=_CPU_SAMPLE_S) if status.pid is not None else None
    facts: dict[str, Fact] = {"part": status.name, "wanted_core": busy}
    url = eyes.url_of("api")
    try:
        page = eyes.plane.http.get_page(f"{url}/livez")
    except LookFailed as error:
        kind = failure_kind(error)
        is_late = kind == "timed_out"
        facts |= {"answers": False, "refusal": kind, "is_hung": is_late and _is_little(busy)}
        facts["is_looping"] = is_late and _is_much(busy)
        return Seen(facts=facts, raw=error.why.en)
    lag_ms = _lag_ms(eyes)
    is_late = max(page.latency_ms, lag_ms or 0.0) > _LATE_MS
    facts |= {"answers": True, "is_hung": False, "refusal": "none", "latency_ms": page.latency_ms}
    facts |= {"lag_ms": lag_ms, "is_looping": is_late and _is_much(busy)}
    return Seen(facts=facts, raw=page.text[:500])


def _is_much(wanted_core: float | None) -> bool:
    """Whether a process wants a core for itself: it computes rather than waits."""
    return wanted_core is not None and wanted_core > 0.9


def _is_little(wanted_core: float | None) -> bool:
    """Whether it hardly wants to run: it waits. Between little and much nothing is said."""
    return wanted_core is not None and wanted_core < 0.3


def _lag_ms(eyes: Eyes) -> float | None:
    try:
        lag = total(read_samples(eyes, "api"), "hrx_event_loop_lag_seconds")
    except LookFailed:
        return None
    return None if lag is None else round(lag * 1000, 1)


def _look_at_readiness(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    url = eyes.url_of("api")
    try:
        page = eyes.plane.http.get_page(f"{url}/readyz")
    except LookFailed as error:
        return Seen(facts={"answers": False}, raw=error.why.en)
    facts: dict[str, Fact] = {"answers": True}
    body = _json_of(page.text)
    facts["status"] = str(body.get("status")) if body.get("status") else None
    for item in body.get("checks", []):
        name = {"postgresql": "postgres", "redis": "redis", "live_events": "live_events"}.get(
            item.get("name")
        )
        if name:
            facts[name] = str(item.get("status"))
            facts[f"{name}_error"] = item.get("error")
    return Seen(facts=facts, raw=page.text[:4000])


# `Any`: a body that is not judged yet.
def _json_of(text: str) -> Mapping[str, Any]:
    try:
        found = orjson.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _look_at_routes(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    lines = read_requests(eyes, "api")
    failed = [line for line in lines if int(line.get("status", 0)) >= 500]
    slow = [line for line in lines if float(line.get("duration_ms", 0)) > _SLOW_MS]
    p95 = percentile((float(line.get("duration_ms", 0)) for line in lines), 0.95)
    facts: dict[str, Fact] = {
        "requests": len(lines),
        "errors": len(failed),
        "error_ratio": round(len(failed) / len(lines), 3) if len(lines) >= _ENOUGH else None,
        "p95_ms": round(p95, 1) if p95 is not None and len(lines) >= _ENOUGH else None,
        "slow_requests": len(slow),
    }
    facts |= _worst_of(lines, failed)
    facts |= {f"slow_{name}": value for name, value in _where(lines, slow).items()}
    return Seen(facts=facts, raw=excerpt([*slow[-10:], *failed[-30:]]))


# `Any`: lines of a log.
def _worst_of(lines: Sequence[Mapping[str, Any]], failed: Sequence[Mapping[str, Any]]) -> dict[str, Fact]:
    """Which route fails most, with which status, and whether it is alone in that."""
    facts: dict[str, Fact] = dict(_where(lines, failed))
    codes = Counter(int(line["status"]) for line in failed)
    facts["worst_status"] = codes.most_common(1)[0][0] if codes else None
    return facts


# `Any`: lines of a log.
def _where(lines: Sequence[Mapping[str, Any]], bad: Sequence[Mapping[str, Any]]) -> dict[str, Fact]:
    """The route where most of the bad ones are; `is_one_route` when the others go well."""
    if len(bad) < 3:
        return {"route": None, "is_one_route": None}
    route, count = Counter(str(line.get("route")) for line in bad).most_common(1)[0]
    others = [line for line in lines if str(line.get("route")) != route]
    bad_others = len(bad) - count
    is_alone = count / len(bad) >= 0.8
    # Nobody asked for anything else: whether others go well is not known.
    is_one = None if is_alone and not others else is_alone and bad_others / max(1, len(others)) < 0.05
    return {"route": route, "is_one_route": is_one}


def _look_at_pool(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    try:
        samples = read_samples(eyes, "api")
    except LookFailed as error:
        return Seen(facts={}, raw=error.why.en)
    used = total(samples, "db_client_connection_count", state="used")
    idle = total(samples, "db_client_connection_count", state="idle")
    pending = total(samples, "db_client_connection_pending_requests")
    facts: dict[str, Fact] = {"used": used, "idle": idle, "pending": pending}
    if used is not None and pending is not None:
        facts["is_exhausted"] = pending > 0 and used > 0 and not idle
    wait_s = total(samples, "db_client_connection_wait_time_seconds_sum")
    waits = total(samples, "db_client_connection_wait_time_seconds_count")
    facts["wait_mean_ms"] = round(wait_s / waits * 1000, 2) if wait_s is not None and waits else None
    raw = "\n".join(
        f"{sample.name} {dict(sample.labels)} {sample.value:g}"
        for sample in samples
        if sample.name.startswith("db_client_connection") and not sample.name.endswith("_bucket")
    )
    return Seen(facts=facts, raw=raw)


def _look_at_errors(eyes: Eyes, params: Mapping[str, str], _timeout_s: float) -> Seen:
    part = eyes.resolve(params["part"])
    lines = [line for line in read_lines(eyes, part) if line.get("level") in ("error", "critical")]
    warnings = [line for line in read_lines(eyes, part) if line.get("level") == "warning"]
    bugs = [line for line in lines if line.get("event") == "Unhandled error"]
    events = Counter(str(line.get("event"))[:120] for line in lines)
    kinds = Counter(_exception_of(line) for line in lines if line.get("exception"))
    said = " ".join(str(line.get("exception", ""))[-600:] for line in lines[-50:]).lower()
    facts: dict[str, Fact] = {
        "part": part,
        "errors": len(lines),
        "warnings": len(warnings),
        "bugs": len(bugs),
        "top_event": events.most_common(1)[0][0] if events else None,
        "top_exception": kinds.most_common(1)[0][0] if kinds else None,
        "speaks_of_memory": "memoryerror" in said,
        "speaks_of_disk": "no space left" in said or "diskfull" in said,
        "speaks_of_names": "name resolution" in said or "name or service not known" in said,
        "correlation_id": next(
            (str(line["correlation_id"]) for line in reversed(lines) if line.get("correlation_id")), None
        ),
    }
    return Seen(facts=facts, raw=excerpt(lines or warnings))


# `Any`: a line of a log.
def _exception_of(line: Mapping[str, Any]) -> str:
    """The name of the exception class; its words may hold data and are left out."""
    last = str(line["exception"]).strip().splitlines()[-1]
    return last.partition(":")[0].strip().rpartition(".")[2][:80]


_ROUTE_FACTS: Final = (
    "requests", "errors", "error_ratio", "p95_ms", "slow_requests", "route", "is_one_route", "worst_status",
    "slow_route", "slow_is_one_route",
)  # fmt: skip

CHECKS: Final = (
    CheckSpec(
        id="api.loop",
        title=Text(ja="API の応答とループ", en="Answer and loop of the API"),
        asks=Text(
            ja="生きている側の /livez を直接聞き、応答がなければ CPU の使い方で空回りか固まりかを分ける",
            en="Asks /livez of the live slot; without an answer, its CPU tells looping from frozen",
        ),
        facts=(
            "part", "wanted_core", "answers", "is_hung", "is_looping", "refusal", "latency_ms", "lag_ms",
        ),
        timeout_s=4,
        look=_look_at_loop,
    ),
    CheckSpec(
        id="api.readiness",
        title=Text(ja="API から見た依存先", en="Dependencies as the API sees them"),
        asks=Text(ja="/readyz に名前付きの依存先を聞く", en="Asks /readyz for each named dependency"),
        facts=(
            "answers", "status", "postgres", "postgres_error", "redis", "redis_error", "live_events",
            "live_events_error",
        ),
        timeout_s=4,
        look=_look_at_readiness,
    ),
    CheckSpec(
        id="api.routes",
        title=Text(ja="経路ごとのエラーと遅さ", en="Errors and slowness by route"),
        asks=Text(
            ja="直近 2 分のアクセス記録を経路ごとに数える",
            en="Counts the access lines of the last two minutes by route",
        ),
        facts=_ROUTE_FACTS,
        timeout_s=4,
        look=_look_at_routes,
    ),
    CheckSpec(
        id="api.pool",
        title=Text(ja="接続プール", en="Connection pool"),
        asks=Text(
            ja="API の数値のページから、使用中の接続と待っている要求を読む",
            en="Reads used connections and waiting requests from the API's page of figures",
        ),
        facts=("used", "idle", "pending", "is_exhausted", "wait_mean_ms"),
        timeout_s=4,
        look=_look_at_pool,
    ),
    CheckSpec(
        id="logs.errors",
        title=Text(ja="直近のエラー記録", en="Recent errors in the log"),
        asks=Text(
            ja="部品の記録の末尾から、直近 2 分のエラーを種類ごとに数える",
            en="Counts errors of the last two minutes at the end of the part's log",
        ),
        facts=(
            "part", "errors", "warnings", "bugs", "top_event", "top_exception", "speaks_of_memory",
            "speaks_of_disk", "speaks_of_names", "correlation_id",
        ),
        timeout_s=4,
        look=_look_at_errors,
        params=("part",),
    ),
)  # fmt: skip
