"""After a release came to people: the product from outside, through the edge, as a browser meets it."""

from __future__ import annotations

import hashlib
import re
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import orjson

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.release.checking.answers import AnswersProbe
from hrx.ops.release.checking.probing import Probe, Probed, ProbeFailed, Unasked, ask_all
from hrx.ops.release.checking.results import Bench, Checked, failed, passed
from hrx.ops.release.releases import Outcome, Release
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.storing import RolloutStore, rollout_folder
from hrx.ops.seams.http import HttpSeam, LookFailed, Page
from hrx.ops.seams.metrics import query

_ASSET: Final = re.compile(r"/_next/static/[^\"'\\\s>;]+\.(?:js|css)")
#: A page of ours names about a dozen.
_MOST_ASSETS: Final = 60
_KINDS: Final = {".js": "javascript", ".css": "css"}
_SHORT: Final = 12
#: So long is looked back at the most: what came long after a switch is the alerts' affair.
_LOOK_BACK_S: Final = 3600.0
_LEAST_S: Final = 30.0
_ANSWERS: Final = 'sum(increase(haproxy_backend_http_responses_total{proxy=~"api|web"%s}[%ds]))'


def check_smoke(bench: Bench) -> Checked:
    """Each probe named; a failure proposes the way back."""
    base = (bench.settings.smoke_url or bench.settings.edge_url).rstrip("/")
    http = HttpSeam(timeout_s=bench.settings.smoke_timeout_s)
    try:
        probed = ask_all(list_probes(bench, http, base))
    finally:
        http.close()
    return _judge(bench, probed, base)


def list_probes(bench: Bench, http: HttpSeam, base: str) -> tuple[Probe, ...]:
    """What is asked, in this order."""
    release = bench.release
    return (
        Probe(name="api-ready", ask=partial(_ask_ready, http, f"{base}/readyz")),
        Probe(name="api-version", ask=partial(_ask_version, http, f"{base}/version", release)),
        Probe(name="portal-ready", ask=partial(_ask_ready, http, f"{base}/web/readyz")),
        Probe(name="portal-version", ask=partial(_ask_version, http, f"{base}/web/version", release)),
        Probe(name="home-leads-to-sign-in", ask=partial(_ask_home, http, base)),
        Probe(name="sign-in-page", ask=partial(_ask_page, http, f"{base}/sign-in")),
        Probe(name="sign-in-assets", ask=partial(_ask_assets, http, base, _find_portal(bench))),
        Probe(name="api-guards", ask=partial(_ask_guard, http, f"{base}/api/v1/people")),
        Probe(name="error-ratio", ask=partial(_ask_errors, bench, http)),
        # Last: it may wait, and meanwhile the others' figures would go stale.
        Probe(name="answers", ask=partial(_ask_answers, bench, http)),
    )


def _judge(bench: Bench, probed: tuple[Probed, ...], base: str) -> Checked:
    findings = tuple(one.document() for one in probed)
    broken = [one for one in probed if one.outcome is Outcome.FAILED]
    unasked = [one.probe for one in probed if one.outcome is Outcome.NOT_CHECKED]
    if broken:
        back = _find_switch_s(bench) is not None
        first, names = broken[0], ", ".join(one.probe for one in broken)
        return failed(
            f"{base}: {names}({first.said.ja})" + ("。→ `hrx release rollback` で戻せます" if back else ""),
            f"{base}: {names} ({first.said.en})" + (". → `hrx release rollback` goes back" if back else ""),
            findings=findings,
        )
    more = f": {', '.join(unasked)}" if unasked else ""
    return passed(
        f"{base}: {len(probed) - len(unasked)} 項目。未確認 {len(unasked)} 件{more}",
        f"{base}: {len(probed) - len(unasked)} probes answered well, {len(unasked)} not checked{more}",
        findings=findings,
    )


def _ask_ready(http: HttpSeam, url: str) -> Text:
    page = http.get_page(url)
    status = str(_read_json(page).get("status", ""))
    if page.status_code != 200:
        raise ProbeFailed(f"HTTP {page.status_code} {status}", f"HTTP {page.status_code} {status}")
    return Text(ja=status, en=status)


def _ask_version(http: HttpSeam, url: str, release: Release | None) -> Text:
    page = http.get_page(url)
    told = _read_json(page)
    if page.status_code != 200:
        raise ProbeFailed(f"HTTP {page.status_code}", f"HTTP {page.status_code}")
    commit, slot = str(told.get("commit") or ""), told.get("slot")
    if release is None:
        if not commit:
            raise Unasked("版を名乗りません", "it names no commit, and no release was asked for")
        return Text(ja=f"{commit}({slot})", en=f"{commit} ({slot})")
    if commit[:_SHORT] != release.commit[:_SHORT]:
        wanted = release.commit[:_SHORT]
        raise ProbeFailed(
            f"{wanted} のはずが {commit or '不明'} が答えました",
            f"{commit or 'an unknown commit'} answers, not {wanted}",
        )
    return Text(ja=f"{commit}({slot})", en=f"{commit} ({slot})")


def _ask_home(http: HttpSeam, base: str) -> Text:
    page = http.get_page(f"{base}/")
    where = page.headers.get("location", "")
    if page.status_code not in (302, 303, 307) or not where.partition("?")[0].endswith("/sign-in"):
        raise ProbeFailed(f"HTTP {page.status_code} {where}", f"HTTP {page.status_code} {where}")
    return Text(ja=where, en=where)


def _ask_page(http: HttpSeam, url: str) -> Text:
    page = http.get_page(url)
    lacking = [
        name
        for name, holds in (
            ("200", page.status_code == 200),
            ("text/html", "text/html" in page.headers.get("content-type", "")),
            ("content-security-policy", "content-security-policy" in page.headers),
            ("/_next/static/", _ASSET.search(page.text) is not None),
        )
        if not holds
    ]
    if lacking:
        names = ", ".join(lacking)
        raise ProbeFailed(f"欠けています: {names}", f"lacks {names} (HTTP {page.status_code})")
    return Text(ja=f"{page.latency_ms:g} ms", en=f"{page.latency_ms:g} ms")


def _ask_assets(http: HttpSeam, base: str, portal: Path | None) -> Text:
    """What the page loads, each file held against the release's own."""
    paths = sorted(set(_ASSET.findall(http.get_page(f"{base}/sign-in").text)))[:_MOST_ASSETS]
    if not paths:
        raise ProbeFailed("ページが何も読み込みません", "the page loads nothing")
    for path in paths:
        file = http.get_file(base + path)
        if file.status_code != 200 or not file.content or _KINDS[Path(path).suffix] not in file.content_type:
            raise ProbeFailed(f"{path}: HTTP {file.status_code}", f"{path}: HTTP {file.status_code}")
        built = portal / ".next" / unquote(path).removeprefix("/_next/") if portal is not None else None
        if built is not None and _digest(built) != hashlib.sha256(file.content).hexdigest():
            raise ProbeFailed(
                f"{path} がリリースのものと違います", f"{path} is not the file that the release holds"
            )
    compared = (
        Text(ja="照合済み", en="each as built")
        if portal is not None
        else Text(ja="照合なし", en="not compared")
    )
    return Text(ja=f"{len(paths)} ファイル({compared.ja})", en=f"{len(paths)} files, {compared.en}")


def _ask_guard(http: HttpSeam, url: str) -> Text:
    """Nobody who is not signed in gets at people; and the API's own error page comes with its id."""
    page = http.get_page(url)
    code = str(_read_json(page).get("code", ""))
    if page.status_code != 401 or not code or not page.headers.get("x-correlation-id"):
        raise ProbeFailed(f"HTTP {page.status_code} {code}", f"HTTP {page.status_code} {code}")
    return Text(ja=f"401 {code}", en=f"401 {code}")


def _unwatched() -> Unasked:
    return Unasked(
        "ここの Prometheus はそのアドレスを見ていません", "Prometheus here does not watch that address"
    )


def _ask_errors(bench: Bench, http: HttpSeam) -> Text:
    if bench.settings.smoke_url is not None:
        raise _unwatched()
    since_s = _find_switch_s(bench)
    if since_s is None:
        # What people met before is not this release's doing.
        raise Unasked("このリリースへの切り替えの記録がありません", "no switch to this release is on record")
    span_s = int(min(_LOOK_BACK_S, max(_LEAST_S, since_s)))
    try:
        answers = _sum(http, bench.settings.prometheus_url, _ANSWERS % ("", span_s))
        errors = _sum(http, bench.settings.prometheus_url, _ANSWERS % (',code="5xx"', span_s))
    except LookFailed as error:
        raise Unasked(f"Prometheus: {error.why.ja}", f"Prometheus: {error.why.en}") from error
    if answers < 1:
        raise Unasked(f"{span_s} 秒間に要求がありません", f"no request was counted in {span_s} s")
    ratio = errors / answers
    said = Text(
        ja=f"{span_s} 秒間の {answers:.0f} 件のうちエラー {ratio:.2%}",
        en=f"{ratio:.2%} errors in {answers:.0f} answers of {span_s} s",
    )
    if ratio > bench.settings.smoke_error_ratio:
        raise ProbeFailed(said.ja, said.en)
    return said


def _ask_answers(bench: Bench, http: HttpSeam) -> Text:
    if bench.settings.smoke_url is not None:
        raise _unwatched()
    if bench.release is None:
        raise Unasked("リリースが指定されていません", "no release was named")
    progress = _find_promoted(bench)
    return AnswersProbe(
        http=http,
        prometheus_url=bench.settings.prometheus_url,
        release=bench.release.commit[:_SHORT],
        began_at=progress.began_at if progress is not None else None,
        wait_s=bench.settings.smoke_answers_wait_s,
        most_lost=bench.settings.smoke_answers_lost_ratio,
    ).ask()


def _sum(http: HttpSeam, url: str, promql: str) -> float:
    return sum(one.value for one in query(http, url, promql))


def _find_switch_s(bench: Bench) -> float | None:
    """Seconds since the release got everybody's requests here; None when it did not, by a rollout."""
    progress = _find_promoted(bench)
    return None if progress is None else (clock.now() - progress.step_at).total_seconds()


def _find_promoted(bench: Bench) -> Progress | None:
    progress = RolloutStore(rollout_folder(bench.settings.var_dir)).find()
    if progress is None or progress.stand is not Stand.PROMOTED or bench.release is None:
        return None
    return progress if progress.rollout.release_id == bench.release.id else None


def _find_portal(bench: Bench) -> Path | None:
    if bench.release is None:
        return None
    portal = bench.settings.var_dir / "releases" / bench.release.id / "portal"
    return portal if portal.is_dir() else None


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


# `Any`: a body of elsewhere.
def _read_json(page: Page) -> dict[str, Any]:
    try:
        found: Any = orjson.loads(page.text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
