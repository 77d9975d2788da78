"""One look at one target, as an outsider: well or not, how long it took, and what was wrong in words."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urljoin

import orjson

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.probe.fetching import FETCH_ERRORS, Fetched, fetch
from hrx.ops.probe.targets import ProbeTarget, TargetKind

_SCRIPT: Final = re.compile(rb'<script[^>]+src="(/_next/static/[^"?]+\.js)')
#: The product's name stands in the title of every page of the portal, and of no error page of the edge.
_PORTAL_MARK: Final = b"| HRX-AI"
#: A ticker that ticks every second and has not for this long does nothing any more.
TICK_LATE_S: Final = 8.0
#: A look takes as long as its slowest part lets it wait; this is more than ten of them.
LOOK_LATE_S: Final = 30.0
#: The plane's signs of life, how old each may be, and what is said when it is older.
_SIGNS_OF_LIFE: Final = (
    ("tick_age_s", TICK_LATE_S, "最後の処理", "It last did its work"),
    ("look_age_s", LOOK_LATE_S, "最後の見回り", "It last looked at the parts"),
    ("rules_age_s", LOOK_LATE_S * 2, "最後の規則の確認", "It last asked whether rules can see"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a look gave. `failure` is None when all was well; `not_after` is a certificate's end.

    `is_answered`: something answered, be it an error."""

    target: str
    at: datetime
    duration_s: float
    failure: Text | None = None
    is_answered: bool = True
    not_after: datetime | None = None

    @property
    def is_well(self) -> bool:
        return self.failure is None


class _Unwell(Exception):
    """The target answered, but not as it should."""

    def __init__(self, *, ja: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(ja=ja, en=en)


class Outsider:
    """Looks at targets. Remembers which scripts of the portal it has already found whole."""

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._scripts: tuple[str, ...] = ()
        self._next_script = 0

    def look(self, target: ProbeTarget) -> Seen:
        """Look once; takes about the time limit at most, never raises for what is broken."""
        at, started = clock.now(), clock.monotonic_s()
        seen = Seen(target=target.name, at=at, duration_s=0.0)
        try:
            seen = self._looks()[target.kind](target, seen)
        except _Unwell as error:
            seen = replace(seen, failure=error.text)
        except FETCH_ERRORS as error:
            seen = replace(seen, failure=_explain(error, within_s=self._timeout_s), is_answered=False)
        return replace(seen, duration_s=clock.monotonic_s() - started)

    def _looks(self) -> dict[TargetKind, Callable[[ProbeTarget, Seen], Seen]]:
        return {
            TargetKind.PORTAL: self._portal,
            TargetKind.READINESS: self._readiness,
            TargetKind.ROUTE: self._route,
            TargetKind.PAGE: self._page,
            TargetKind.PLANE: self._plane,
            TargetKind.TLS: self._certificate,
            TargetKind.TRUST: self._trust,
            TargetKind.DNS: self._name,
        }

    def _get(self, url: str) -> Fetched:
        return fetch(url, timeout_s=self._timeout_s)

    def _portal(self, target: ProbeTarget, seen: Seen) -> Seen:
        page = self._get(target.address)
        _require_status(page, 200)
        if _PORTAL_MARK not in page.body:
            raise _Unwell(ja="画面の中身が製品のものではありません", en="The page is not the product's")
        scripts = tuple(dict.fromkeys(name.decode() for name in _SCRIPT.findall(page.body)))
        if not scripts:
            raise _Unwell(ja="画面にスクリプトがありません", en="The page has no scripts")
        for script in self._scripts_to_check(scripts):
            self._require_script(urljoin(target.address, script))
        self._scripts = scripts
        return seen

    def _scripts_to_check(self, scripts: tuple[str, ...]) -> tuple[str, ...]:
        """All of a page that is new to us; then one a look, in turn."""
        if scripts != self._scripts:
            return scripts
        self._next_script = (self._next_script + 1) % len(scripts)
        return (scripts[self._next_script],)

    def _require_script(self, url: str) -> None:
        answer = self._get(url)
        if answer.status != 200 or "javascript" not in answer.content_type or not answer.body:
            name = url.rpartition("/")[2]
            raise _Unwell(
                ja=f"画面のスクリプト {name} が読めません(HTTP {answer.status})",
                en=f"The page's script {name} cannot be loaded (HTTP {answer.status})",
            )

    def _readiness(self, target: ProbeTarget, seen: Seen) -> Seen:
        answer = self._get(target.address)
        said = _document(answer).get("status")
        if answer.status != 200 or said not in ("ready", "degraded"):
            raise _Unwell(
                ja=f"準備ができていません(HTTP {answer.status})", en=f"Not ready (HTTP {answer.status})"
            )
        return seen

    def _route(self, target: ProbeTarget, seen: Seen) -> Seen:
        answer = self._get(target.address)
        _require_status(answer, 200)
        if "json" not in answer.content_type:
            raise _Unwell(ja="JSON が返りません", en="It answers no JSON")
        return seen

    def _page(self, target: ProbeTarget, seen: Seen) -> Seen:
        _require_status(self._get(target.address), 200)
        return seen

    def _plane(self, target: ProbeTarget, seen: Seen) -> Seen:
        answer = self._get(target.address)
        _require_status(answer, 200)
        said = _document(answer)
        for name, late_s, ja, en in _SIGNS_OF_LIFE:
            age_s = said.get(name)
            if isinstance(age_s, int | float) and age_s > late_s:
                raise _Unwell(ja=f"{ja}から {age_s:.0f} 秒たっています", en=f"{en} {age_s:.0f} s ago")
        return seen

    def _certificate(self, target: ProbeTarget, seen: Seen) -> Seen:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Trust is asked separately: an end date must be seen above all when nobody trusts it.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        not_after = _read_not_after(self._handshake(target.address, context))
        seen = replace(seen, not_after=not_after)
        if not_after <= clock.now():
            return replace(
                seen,
                failure=Text(
                    ja=f"証明書の期限が {not_after:%Y-%m-%d %H:%M} (UTC) に切れました",
                    en=f"The certificate expired at {not_after:%Y-%m-%d %H:%M} UTC",
                ),
            )
        return seen

    def _trust(self, target: ProbeTarget, seen: Seen) -> Seen:
        try:
            self._handshake(target.address, ssl.create_default_context())
        except ssl.SSLCertVerificationError as error:
            raise _Unwell(
                ja=f"証明書が信頼されません({error.verify_message})",
                en=f"The certificate is not trusted ({error.verify_message})",
            ) from error
        return seen

    def _handshake(self, address: str, context: ssl.SSLContext) -> bytes:
        """The peer's certificate as DER."""
        host, _, port = address.rpartition(":")
        with (
            socket.create_connection((host, int(port)), timeout=self._timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            return wrapped.getpeercert(binary_form=True) or b""

    def _name(self, target: ProbeTarget, seen: Seen) -> Seen:
        # No time limit of its own: whoever calls notices a look that does not come back.
        socket.getaddrinfo(target.address, None)
        return seen


def _require_status(answer: Fetched, wanted: int) -> None:
    if answer.status != wanted:
        raise _Unwell(ja=f"HTTP {answer.status} を返しました", en=f"Answered HTTP {answer.status}")


def _document(answer: Fetched) -> dict[str, object]:
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _read_not_after(der: bytes) -> datetime:
    # Only a probe with TLS hosts pays for this library.
    from cryptography import x509

    return x509.load_der_x509_certificate(der).not_valid_after_utc.astimezone(UTC)


def _explain(error: Exception, *, within_s: float) -> Text:
    if isinstance(error, TimeoutError):
        return Text(ja=f"{within_s:g} 秒以内に応答がありません", en=f"No answer within {within_s:g} s")
    if isinstance(error, ConnectionRefusedError):
        return Text(ja="接続が拒否されました", en="The connection was refused")
    if isinstance(error, socket.gaierror):
        return Text(ja="名前を解決できません", en="The name cannot be resolved")
    return Text(
        ja=f"応答を読めません({type(error).__name__})", en=f"No usable answer ({type(error).__name__})"
    )
