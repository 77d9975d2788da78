"""Checks of what people reach first: the edge, the portal's page, what browsers said, what changed last."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from hrx.kit.errors import HrxError, Text
from hrx.ops.check import Fact
from hrx.ops.seams.looking import LookFailed
from hrx.ops.triage.eyes import Eyes
from hrx.ops.triage.looking import CheckSpec, Seen
from hrx.ops.triage.reading import excerpt, failure_kind, read_requests, read_samples, total

_SCRIPT: Final = re.compile(r'(?:src|href)="(/_next/static/[^"]+\.(?:js|css))"')
#: Fewer views than this say nothing about a ratio.
_ENOUGH_VIEWS: Final = 5


def _look_at_page(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    edge = eyes.plane.settings.edge_url.rstrip("/")
    try:
        page = eyes.plane.http.get_page(f"{edge}/sign-in")
    except LookFailed as error:
        return Seen(facts={"answers": False, "refusal": failure_kind(error)}, raw=error.why.en)
    scripts = _SCRIPT.findall(page.text)
    broken = [path for path in dict.fromkeys(scripts[:6]) if not _is_there(eyes, edge + path)]
    ours = page.headers.get("content-type", "").startswith("text/html") and "/_next/" in page.text
    facts: dict[str, Fact] = {
        "answers": True,
        "refusal": "none" if page.status_code < 500 else "error",
        "status_code": page.status_code,
        "renders": page.status_code < 400 and ours,
        "latency_ms": page.latency_ms,
        "broken_files": len(broken) if ours else None,
        # The edge's own page says that nobody stood behind it; that is no broken release.
        "is_broken": bool(broken) or (page.status_code >= 500 and page.status_code not in (502, 503, 504)),
        "is_maintenance": page.status_code == 503 and not ours,
    }
    return Seen(facts=facts, raw="\n".join([f"HTTP {page.status_code}", *broken, page.text[:1500]]))


def _is_there(eyes: Eyes, url: str) -> bool:
    try:
        return eyes.plane.http.get_page(url).status_code < 400
    except LookFailed:
        return False


def _look_at_web(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    url = eyes.url_of("web")
    facts: dict[str, Fact] = {"part": eyes.resolve("web")}
    try:
        page = eyes.plane.http.get_page(f"{url}/web/readyz")
    except LookFailed as error:
        kind = failure_kind(error)
        facts |= {"answers": False, "refusal": kind, "is_hung": kind == "timed_out"}
        return Seen(facts=facts, raw=error.why.en)
    facts |= {"answers": True, "refusal": "none", "is_hung": False, "status_code": page.status_code}
    facts["is_ready"] = page.status_code < 400
    return Seen(facts=facts, raw=page.text[:2000])


def _look_at_beacons(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    try:
        samples = read_samples(eyes, "api")
    except LookFailed as error:
        return Seen(facts={}, raw=error.why.en)
    errors = total(samples, "hrx_web_errors_total")
    views = total(samples, "hrx_web_page_views_total")
    facts: dict[str, Fact] = {"errors": errors, "views": views}
    if errors is not None and views is not None and views >= _ENOUGH_VIEWS:
        facts["error_ratio"] = round(errors / views, 3)
    routes = Counter(
        {
            sample.labels.get("route", ""): sample.value
            for sample in samples
            if sample.name == "hrx_web_errors_total"
        }
    )
    facts["route"] = routes.most_common(1)[0][0] if routes else None
    return Seen(facts=facts, raw="\n".join(f"{route} {count:g}" for route, count in routes.most_common(20)))


def _look_at_release(eyes: Eyes, params: Mapping[str, str], _timeout_s: float) -> Seen:
    """The live slot's release: what runs, and whether it changed shortly before the trouble."""
    group = params["part"]
    part = eyes.resolve(group)
    path = "/web/version" if group == "web" else "/version"
    seen = eyes.plane.http.look_at_version(part, f"{eyes.url_of(part)}{path}")
    status = eyes.find_part(part)
    other = f"{group}-{'green' if part.endswith('blue') else 'blue'}"
    started = seen.facts.get("started_at")
    age = (eyes.at - datetime.fromisoformat(str(started))).total_seconds() if started else status.uptime_s
    facts: dict[str, Fact] = {
        "part": part,
        "slot": part.rpartition("-")[2],
        "other": other,
        "other_is_ready": _is_ready(eyes, other),
        "commit": seen.facts.get("commit"),
        "version": seen.facts.get("version"),
        "schema_revision": seen.facts.get("schema_revision"),
        "age_s": None if age is None else round(age, 1),
        "is_fresh": None if age is None else age < 1800,
        "differs_from_source": _differs(seen.facts.get("commit"), eyes.plane.settings.commit),
    }
    return Seen(facts=facts)


def _differs(running: Fact, source: str) -> bool | None:
    if not running or "unknown" in (running, source):
        return None
    return running != source


def _is_ready(eyes: Eyes, part: str) -> bool:
    path = "/web/readyz" if part.startswith("web") else "/readyz"
    try:
        return eyes.plane.http.get_page(f"{eyes.url_of(part)}{path}").status_code < 400
    except LookFailed:
        return False


def _look_at_backends(eyes: Eyes, params: Mapping[str, str], _timeout_s: float) -> Seen:
    try:
        said = eyes.plane.target.send_to_edge("show stat")
    except HrxError as error:
        return Seen(facts={"answers": False}, raw=error.message.en)
    rows = list(csv.DictReader(io.StringIO(said.removeprefix("# "))))
    mine = [row for row in rows if row.get("pxname") == params["backend"]]
    servers = [row for row in mine if row.get("svname") not in ("BACKEND", "FRONTEND")]
    taking = [row for row in servers if str(row.get("status", "")).startswith("UP")]
    whole = next((row for row in mine if row.get("svname") == "BACKEND"), {})
    facts: dict[str, Fact] = {
        "answers": True,
        "up": len(taking),
        "down": len([row for row in servers if str(row.get("status", "")).startswith("DOWN")]),
        "live": taking[0].get("svname") if taking else None,
        "queue": _whole(whole.get("qcur")),
        "sessions": _whole(whole.get("scur")),
        "errors_5xx": _whole(whole.get("hrsp_5xx")),
    }
    raw = "\n".join(f"{row['svname']} {row['status']} {row.get('check_status', '')}" for row in mine)
    return Seen(facts=facts, raw=raw)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _look_at_traffic(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    lines = read_requests(eyes, "haproxy")
    bad = [line for line in lines if int(line.get("status", 0)) >= 500]
    by_backend = Counter(str(line.get("backend")) for line in bad)
    worst = by_backend.most_common(1)[0][0] if by_backend else None
    facts: dict[str, Fact] = {
        "requests": len(lines),
        "errors": len(bad),
        "error_ratio": round(len(bad) / len(lines), 3) if len(lines) >= 5 else None,
        "worst_backend": worst,
        "worst_share": round(by_backend[worst] / len(bad), 2) if worst else None,
        "timed_out": len([line for line in lines if str(line.get("ended", "")).startswith("s")]),
    }
    return Seen(facts=facts, raw=excerpt(bad))


CHECKS: Final = (
    CheckSpec(
        id="web.page",
        title=Text(ja="利用者の側から見た画面", en="The page as people get it"),
        asks=Text(
            ja="入口を通してサインイン画面を開き、その部品のファイルが届くかを見る",
            en="Opens the sign-in page through the edge and sees whether its files arrive",
        ),
        facts=(
            "answers", "refusal", "status_code", "renders", "latency_ms", "broken_files", "is_broken",
            "is_maintenance",
        ),
        timeout_s=8,
        look=_look_at_page,
    ),
    CheckSpec(
        id="web.ready",
        title=Text(ja="画面のプロセスの応答", en="Answer of the portal's process"),
        asks=Text(ja="生きている側の /web/readyz を直接聞く", en="Asks /web/readyz of the live slot"),
        facts=("part", "answers", "refusal", "is_hung", "status_code", "is_ready"),
        timeout_s=4,
        look=_look_at_web,
    ),
    CheckSpec(
        id="web.errors",
        title=Text(ja="ブラウザーからのエラー報告", en="Errors that browsers reported"),
        asks=Text(
            ja="API が集めた画面エラーの数を、表示回数と比べる",
            en="Compares the errors of pages that the API collected with page views",
        ),
        facts=("errors", "views", "error_ratio", "route"),
        timeout_s=4,
        look=_look_at_beacons,
    ),
    CheckSpec(
        id="release.live",
        title=Text(ja="動いているリリース", en="The release that runs"),
        asks=Text(
            ja="生きている側の版と起動時刻、もう一方の側が使えるかを見る",
            en="Looks at version and start of the live slot, and whether the other could take over",
        ),
        facts=(
            "part", "slot", "other", "other_is_ready", "commit", "version", "schema_revision", "age_s",
            "is_fresh", "differs_from_source",
        ),
        timeout_s=6,
        look=_look_at_release,
        params=("part",),
    ),
    CheckSpec(
        id="edge.backends",
        title=Text(ja="入口の振り分け先", en="Backends of the edge"),
        asks=Text(
            ja="HAProxy の操作用ソケットに、各スロットの状態を聞く",
            en="Asks HAProxy's runtime socket for the state of each slot",
        ),
        facts=("answers", "up", "down", "live", "queue", "sessions", "errors_5xx"),
        timeout_s=4,
        look=_look_at_backends,
        params=("backend",),
    ),
    CheckSpec(
        id="edge.traffic",
        title=Text(ja="入口を通った要求", en="Requests through the edge"),
        asks=Text(
            ja="入口の直近 2 分の記録から、5xx の割合と振り分け先を数える",
            en="Counts 5xx answers and their backends in the edge's lines of the last two minutes",
        ),
        facts=("requests", "errors", "error_ratio", "worst_backend", "worst_share", "timed_out"),
        timeout_s=4,
        look=_look_at_traffic,
    ),
)  # fmt: skip
