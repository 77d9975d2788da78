"""One way to call a vendor's API: time-outs, repeats that are safe, and what an error means for an operator.

A read is asked again after a lost answer or a 5xx; a change never is: AnswerLost tells the caller to look
for what it may have made. 429 is waited for as long as the vendor says, within a limit. Values and tokens
appear in no message."""

from __future__ import annotations

import functools
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from hrx.kit import clock
from hrx.kit.errors import Conflict, HrxError, Invalid, NotFound, Refused, Text, Unavailable
from hrx.kit.secrets import MASK, mask_text
from hrx.kit.settings import SecretStr
from hrx.ops.targets.releasing import AnswerLost

_READS: Final = 3
_PAUSE_S: Final = 0.5
_SAID: Final = 300
#: A shorter value, such as `1`, would be struck out of every number.
_HIDDEN_FROM: Final = 6

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`call_s` for one request, `too_many_s` for all waits after 429 of one call, `poll_s` between looks."""

    call_s: float = 20.0
    too_many_s: float = 60.0
    poll_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What opens the vendor's door. `variable` names our setting, `rights` what the token must be allowed."""

    variable: str
    rights: Text
    header: str
    value: SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`body` is JSON, or None where there is none. `Any`: the caller knows the shape."""

    status_code: int
    body: Any
    text: str = ""


class NotTaken(Invalid):
    """The vendor calls the request wrong. `body` is its answer as it came; never shown as a whole."""

    code = "target.not_taken"

    # `Any`: it is JSON.
    def __init__(self, message: Text, *, body: Any = None) -> None:
        super().__init__(message)
        self.body = body


class VendorClient:
    """The one connection to a vendor; thread-safe, close it at the end."""

    def __init__(
        self, vendor: str, url: str, *, credential: Credential, limits: Limits, sleep: Sleep = time.sleep
    ) -> None:
        self.vendor = vendor
        self.limits = limits
        self.sleep = sleep
        self._url = url.rstrip("/")
        self._credential = credential
        self._hidden: set[str] = {credential.value.get_secret_value()}
        timeout = httpx.Timeout(limits.call_s, connect=min(5.0, limits.call_s))
        # Pages of the deployment itself are looked at as a stranger does.
        self._visitor = httpx.Client(
            timeout=timeout, verify=_trust(), trust_env=False, follow_redirects=False
        )
        self._client = httpx.Client(
            timeout=timeout,
            verify=_trust(),
            trust_env=False,
            follow_redirects=False,
            headers={
                "User-Agent": "hrx-ops",
                credential.header: credential.value.get_secret_value(),
            },
        )

    def read(self, path: str, **arguments: Any) -> Answer:
        """GET, asked again when no answer comes. Raises as `change` does, never AnswerLost."""
        return self.ask("GET", path, **arguments)

    def ask(self, method: str, path: str, **arguments: Any) -> Answer:
        """A request that may be repeated because it changes nothing, or the same thing twice."""
        for attempt in range(_READS):
            try:
                return self.change(method, path, **arguments)
            except AnswerLost as lost:
                if attempt + 1 == _READS:
                    raise Unavailable(lost.message, hint=_run_again(), code="target.no_answer") from lost
                self.sleep(_PAUSE_S * 2**attempt)
        raise AssertionError  # pragma: no cover

    def change(self, method: str, path: str, **arguments: Any) -> Answer:
        """One request, sent once. `arguments` are httpx's (json, params, content, headers, files).

        Raises AnswerLost (no answer, or 5xx), Refused (401, 403), Unavailable (429 for too long), NotFound,
        Conflict (409, 412), Invalid (any other 4xx)."""
        until = clock.monotonic_s() + self.limits.too_many_s
        while True:
            answer = self._send(method, path, **arguments)
            if answer.status_code != 429:
                break
            wait_s = read_retry_after(answer.headers, now=clock.now())
            if clock.monotonic_s() + wait_s > until:
                raise self._too_many(wait_s)
            self.sleep(wait_s)
        return self._judge(answer)

    def get_page(self, url: str, *, headers: Mapping[str, str] | None = None) -> int | None:
        """Status code of a page of the deployment itself, without our credential; None when none answers."""
        try:
            return self._visitor.get(url, headers=dict(headers or {})).status_code
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError):
            return None

    def hide(self, values: Iterable[SecretStr]) -> None:
        """Values that must appear in no message and no line of a log, even when the vendor repeats them."""
        self._hidden |= {value.get_secret_value() for value in values}

    def clean(self, text: str) -> str:
        """The text without what was hidden, and without what looks like a secret."""
        for value in sorted(self._hidden, key=len, reverse=True):
            if len(value) >= _HIDDEN_FROM:
                text = text.replace(value, MASK)
        return mask_text(text)

    def close(self) -> None:
        self._client.close()
        self._visitor.close()

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        url = path if "://" in path else self._url + path
        try:
            return self._client.request(method, url, **arguments)
        except httpx.InvalidURL as error:
            raise self.refused_by_vendor(str(error)) from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            # Nothing was sent: for whoever asks it is the same as a lost answer, and looking does no harm.
            raise self._lost(Text(ja="接続できません", en="no connection")) from error
        except (httpx.HTTPError, OSError) as error:
            raise self._lost(Text(ja="応答がありません", en=f"no answer: {type(error).__name__}")) from error

    def _judge(self, answer: httpx.Response) -> Answer:
        code = answer.status_code
        if code < 400:
            return Answer(status_code=code, body=_json(answer), text=answer.text)
        says = self.clean(_says(answer))
        if code >= 500:
            raise self._lost(Text(ja=f"HTTP {code}", en=f"HTTP {code}"))
        if code in (401, 403):
            raise self.not_allowed()
        if code in (404, 410):
            raise NotFound(
                Text(ja=f"{self.vendor}: ありません({says})", en=f"{self.vendor}: not there ({says})"),
                code="target.not_found",
            )
        if code in (409, 412, 423):
            raise Conflict(
                Text(
                    ja=f"{self.vendor}: 別の操作と重なりました({says})",
                    en=f"{self.vendor}: something else got in between ({says})",
                ),
                hint=_run_again(),
                code="target.conflict",
            )
        raise self.refused_by_vendor(f"HTTP {code} {says}", body=_json(answer))

    def refused_by_vendor(self, says: str, *, body: Any = None) -> NotTaken:
        """`says` is the vendor's own remark, already cleaned or harmless."""
        return NotTaken(
            Text(
                ja=f"{self.vendor} が受け付けませんでした: {says}",
                en=f"{self.vendor} does not take it: {says}",
            ),
            body=body,
        )

    def not_allowed(self) -> Refused:
        variable, rights = self._credential.variable, self._credential.rights
        return Refused(
            Text(
                ja=f"{self.vendor} が認証情報を受け付けません。",
                en=f"{self.vendor} does not accept the credential.",
            ),
            hint=Text(
                ja=f"{variable} を新しくしてください(必要な権限: {rights.ja})。確認: `hrx release targets`",
                en=f"Renew {variable} (it needs: {rights.en}), then `hrx release targets`.",
            ),
            code="target.not_allowed",
        )

    def timed_out(self, deployment_id: str, *, timeout_s: float) -> Unavailable:
        return Unavailable(
            Text(
                ja=f"{self.vendor}: {deployment_id} が {timeout_s:.0f} 秒たっても終わりません。",
                en=f"{self.vendor}: {deployment_id} has not finished after {timeout_s:.0f} s.",
            ),
            hint=_run_again(),
            code="target.still_waiting",
        )

    def partly(self, names: tuple[str, ...]) -> Unavailable:
        """Only some of the values were taken."""
        listed = ", ".join(names)
        return Unavailable(
            Text(
                ja=f"{self.vendor}: 次の設定は入りませんでした: {listed}",
                en=f"{self.vendor}: these settings were not taken: {listed}",
            ),
            hint=_run_again(),
            code="target.partly_set",
        )

    def _too_many(self, wait_s: float) -> HrxError:
        return Unavailable(
            Text(
                ja=f"{self.vendor} への要求が多すぎます。あと {wait_s:.0f} 秒待つように言われました。",
                en=f"Too many requests to {self.vendor}: it asks to wait another {wait_s:.0f} s.",
            ),
            hint=_run_again(),
            code="target.too_many",
        )

    def _lost(self, why: Text) -> AnswerLost:
        return AnswerLost(
            Text(ja=f"{self.vendor}: {why.ja}。", en=f"{self.vendor}: {why.en}."), hint=_run_again()
        )


def read_retry_after(headers: Mapping[str, str], *, now: datetime) -> float:
    """Seconds to wait (at least a little): the header is a number of seconds or a date; 5 s without it."""
    said = headers.get("retry-after", "").strip()
    try:
        return max(float(said), 0.05)
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(said)
    except (TypeError, ValueError):
        return 5.0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - now).total_seconds(), 0.05)


@functools.cache
def _trust() -> ssl.SSLContext:
    """Read once: it is the larger part of what a new client costs."""
    return httpx.create_ssl_context(trust_env=False)


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json() if answer.content else None
    except ValueError:
        return None


def _says(answer: httpx.Response) -> str:
    """What the vendor remarks: `error` (Fly.io), `error.message` (Vercel) or `errors[]` (Cloudflare)."""
    body = _json(answer)
    if not isinstance(body, dict):
        return f"HTTP {answer.status_code}"
    error, errors = body.get("error"), body.get("errors")
    if isinstance(error, dict):
        said = f"{error.get('code', '')} {error.get('message', '')}"
    elif isinstance(errors, list):
        said = "; ".join(
            f"{one.get('code', '')} {one.get('message', '')}".strip()
            for one in errors
            if isinstance(one, dict)
        )
    else:
        said = str(error or body.get("message") or "")
    return said.strip()[:_SAID] or f"HTTP {answer.status_code}"


def _run_again() -> Text:
    return Text(
        ja="同じコマンドをもう一度実行してください。二重には作られません。",
        en="Run the same command again: nothing is made twice.",
    )
