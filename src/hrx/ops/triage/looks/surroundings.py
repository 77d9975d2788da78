"""Checks of what our parts stand on: the machine, clocks, names, certificates, and services of others."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import orjson
import psutil

from hrx.kit.errors import Text
from hrx.ops.check import Fact
from hrx.ops.observe.standby import extra_targets_path
from hrx.ops.seams.looking import LookFailed
from hrx.ops.triage.eyes import Eyes
from hrx.ops.triage.looking import CheckSpec, Seen
from hrx.ops.triage.reading import failure_kind

_TLS_S: Final = 3.0


def _look_at_machine(_eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    memory = psutil.virtual_memory()
    facts: dict[str, Fact] = {
        "cpu_ratio": round(psutil.cpu_percent(interval=0.5) / 100, 2),
        "load_per_core": round(psutil.getloadavg()[0] / (psutil.cpu_count() or 1), 2),
        "memory_free_ratio": round(memory.available / memory.total, 3),
    }
    return Seen(facts=facts)


def _look_at_clocks(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    """What several sources say the time is, beside what we think."""
    offsets: dict[str, float] = {}
    for name, url in _clocks(eyes).items():
        offset = _offset_of(eyes, url)
        if offset is not None:
            offsets[name] = offset
    worst = max(offsets, key=lambda name: abs(offsets[name]), default=None)
    facts: dict[str, Fact] = {
        "sources": len(offsets),
        "worst_skew_s": round(abs(offsets[worst]), 1) if worst else None,
        "worst_source": worst,
    }
    return Seen(facts=facts, raw="\n".join(f"{name} {offset:+.1f} s" for name, offset in offsets.items()))


def _clocks(eyes: Eyes) -> dict[str, str]:
    ours = {"api": f"{eyes.url_of('api')}/version", "web": f"{eyes.url_of('web')}/web/version"}
    return ours | _named(eyes.plane.settings.outside_services)


def _offset_of(eyes: Eyes, url: str) -> float | None:
    """How far a source's time is from ours: what the program says, else the Date header of its server."""
    try:
        page = eyes.plane.http.get_page(url)
    except LookFailed:
        return None
    try:
        said = orjson.loads(page.text).get("now")
        if said:
            return datetime.fromisoformat(str(said)).timestamp() - time.time()
    except (ValueError, AttributeError):
        pass
    header = page.headers.get("date")
    try:
        # A header has whole seconds; half of one is the fairest guess.
        return parsedate_to_datetime(header).timestamp() + 0.5 - time.time() if header else None
    except ValueError:
        return None


def _look_at_names(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    """Whether the names of what we call can be resolved; addresses need no names."""
    settings = eyes.plane.settings
    urls = [settings.edge_url, settings.ops_public_url or "", *_named(settings.outside_services).values()]
    data = [url.get_secret_value() for url in (settings.ops_database_url, settings.redis_url) if url]
    named = {urlsplit(url).hostname or "" for url in (*urls, *data)}
    named |= {host.strip() for host in settings.probe_dns_hosts.split(",")}
    named |= set(_watched(eyes, "dns"))
    hosts = sorted(host for host in named if host and not _is_address(host))
    failed = [host for host in hosts if not _resolves(host)]
    facts: dict[str, Fact] = {
        "hosts": len(hosts),
        "failed": len(failed) if hosts else None,
        "first_failed": failed[0] if failed else None,
    }
    lines = [f"{host} {'FAILED' if host in failed else 'ok'}" for host in hosts]
    return Seen(facts=facts, raw="\n".join(lines))


def _watched(eyes: Eyes, kind: str) -> list[str]:
    """What the outside probe was told to watch besides its settings."""
    path = extra_targets_path(eyes.plane.settings.var_dir)
    try:
        return [str(one["address"]) for one in orjson.loads(path.read_bytes()) if one["kind"] == kind]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _is_address(host: str) -> bool:
    return host.replace(".", "").isdigit() or ":" in host


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except OSError:
        return False


def _look_at_certificates(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    left: dict[str, float] = {}
    bad: list[str] = []
    for place in _list_tls(eyes):
        host, _, port = place.partition(":")
        try:
            left[place] = _days_left(host, int(port or 443))
        except (OSError, ValueError):
            continue
        why = _mistrust(host, int(port or 443))
        if why and left[place] > 0:
            bad.append(f"{place}: {why}")
    soonest = min(left, key=lambda place: left[place], default=None)
    facts: dict[str, Fact] = {
        "hosts": len(left),
        "days_left": round(left[soonest], 1) if soonest else None,
        "soonest": soonest,
        "untrusted": len(bad) if left else None,
        "first_untrusted": bad[0] if bad else None,
    }
    lines = [*bad, *(f"{place} {days:.1f} days" for place, days in left.items())]
    return Seen(facts=facts, raw="\n".join(lines))


def _list_tls(eyes: Eyes) -> list[str]:
    settings = eyes.plane.settings
    urls = [settings.edge_url, settings.ops_public_url or "", *_named(settings.outside_services).values()]
    parts = [urlsplit(url) for url in urls if url.startswith("https://")]
    places = [f"{part.hostname}:{part.port or 443}" for part in parts]
    places += [host.strip() for host in settings.probe_tls_hosts.split(",") if host.strip()]
    return list(dict.fromkeys([*places, *_watched(eyes, "tls")]))


def _days_left(host: str, port: int) -> float:
    """Days until the certificate ends, trusted or not: an ended one must still be read."""
    from cryptography import x509

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=_TLS_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        found = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
    return (found.not_valid_after_utc.timestamp() - time.time()) / 86_400


def _mistrust(host: str, port: int) -> str | None:
    """Why the certificate is not trusted; None when it is."""
    try:
        with (
            socket.create_connection((host, port), timeout=_TLS_S) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message)
    except OSError:
        return None


def _look_at_service(eyes: Eyes, params: Mapping[str, str], _timeout_s: float) -> Seen:
    url = _find_service(eyes, params["service"])
    if url is None:
        return Seen(facts={"is_configured": False}, raw="not configured (HRX_OUTSIDE_SERVICES)")
    facts: dict[str, Fact] = {"is_configured": True, "host": urlsplit(url).hostname}
    try:
        page = eyes.plane.http.get_page(url)
    except LookFailed as error:
        kind = failure_kind(error)
        return Seen(facts={**facts, "answers": False, "outcome": kind}, raw=error.why.en)
    outcome = _outcome_of(page.status_code)
    facts |= {
        "answers": outcome != "failing",
        "outcome": outcome,
        "status_code": page.status_code,
        "latency_ms": page.latency_ms,
        "is_as_agreed": None if outcome != "fine" else "json" in page.headers.get("content-type", ""),
        "retry_after": page.headers.get("retry-after"),
    }
    return Seen(facts=facts, raw=f"HTTP {page.status_code}\n{page.text[:800]}")


def _find_service(eyes: Eyes, name: str) -> str | None:
    """Where a service of others answers: by the settings, else where the outside probe was told to look."""
    named = _named(eyes.plane.settings.outside_services).get(name)
    path = extra_targets_path(eyes.plane.settings.var_dir)
    try:
        watched = [one for one in orjson.loads(path.read_bytes()) if one["name"] == f"service-{name}"]
        return named or (str(watched[0]["address"]) if watched else None)
    except (OSError, ValueError, KeyError, TypeError):
        return named


def _outcome_of(code: int) -> str:
    if code == 429:
        return "limited"
    if code in (401, 403):
        return "not_allowed"
    if code in (404, 410):
        return "gone"
    return "failing" if code >= 500 else "fine"


def _look_at_status_page(eyes: Eyes, params: Mapping[str, str], _timeout_s: float) -> Seen:
    url = _named(eyes.plane.settings.status_pages).get(params["service"])
    if url is None:
        return Seen(facts={"is_configured": False}, raw="not configured (HRX_STATUS_PAGES)")
    try:
        page = eyes.plane.http.get_page(url)
        body = orjson.loads(page.text)
        indicator = str(body["status"]["indicator"])
    except LookFailed as error:
        return Seen(facts={"is_configured": True, "answers": False}, raw=error.why.en)
    except (ValueError, KeyError, TypeError):
        return Seen(facts={"is_configured": True, "answers": False}, raw="no Statuspage answer")
    facts: dict[str, Fact] = {
        "is_configured": True,
        "answers": True,
        "indicator": indicator,
        "says_outage": indicator in ("major", "critical"),
    }
    return Seen(facts=facts, raw=page.text[:2000])


def _named(text: str) -> dict[str, str]:
    """`name=URL` pairs of a setting."""
    pairs = (item.strip().partition("=") for item in text.split(",") if "=" in item)
    return {name.strip(): url.strip() for name, _, url in pairs}


CHECKS: Final = (
    CheckSpec(
        id="machine.load",
        title=Text(ja="機械の負荷", en="Load of the machine"),
        asks=Text(ja="機械全体の CPU とメモリーを読む", en="Reads CPU and memory of the whole machine"),
        facts=("cpu_ratio", "load_per_core", "memory_free_ratio"),
        timeout_s=3,
        look=_look_at_machine,
    ),
    CheckSpec(
        id="clock.skew",
        title=Text(ja="時計のずれ", en="Clock skew"),
        asks=Text(
            ja="各部品と外部サービスが答える時刻を、手元の時計と比べる",
            en="Compares the time that parts and outside services tell with our own",
        ),
        facts=("sources", "worst_skew_s", "worst_source"),
        timeout_s=8,
        look=_look_at_clocks,
    ),
    CheckSpec(
        id="dns.names",
        title=Text(ja="名前解決", en="Name resolution"),
        asks=Text(ja="設定された相手の名前を引く", en="Resolves the names of what we are configured to call"),
        facts=("hosts", "failed", "first_failed"),
        timeout_s=5,
        look=_look_at_names,
    ),
    CheckSpec(
        id="tls.expiry",
        title=Text(ja="証明書の期限", en="Certificates"),
        asks=Text(ja="https の相手の証明書を確かめる", en="Verifies the certificates of https addresses"),
        facts=("hosts", "days_left", "soonest", "untrusted", "first_untrusted"),
        timeout_s=8,
        look=_look_at_certificates,
    ),
    CheckSpec(
        id="outside.service",
        title=Text(ja="外部サービスの応答", en="Answer of an outside service"),
        asks=Text(
            ja="設定された URL に一度だけ問い合わせる(未設定も答えの一つ)",
            en="Asks the configured URL once; “not configured” is an answer",
        ),
        facts=(
            "is_configured", "host", "answers", "outcome", "status_code", "latency_ms", "is_as_agreed",
            "retry_after",
        ),
        timeout_s=4,
        look=_look_at_service,
        params=("service",),
    ),
    CheckSpec(
        id="outside.status_page",
        title=Text(ja="提供元の状況ページ", en="Status page of a provider"),
        asks=Text(
            ja="提供元が公開している障害情報を読む(未設定も答えの一つ)",
            en="Reads what the provider publishes; “not configured” is an answer",
        ),
        facts=("is_configured", "answers", "indicator", "says_outage"),
        timeout_s=4,
        look=_look_at_status_page,
        params=("service",),
    ),
)  # fmt: skip
