"""Looking at parts over HTTP: liveness, readiness, version, and pages as people reach them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from hrx.kit import clock, log
from hrx.ops.check import Fact, Observation
from hrx.ops.seams.looking import LookFailed, look, no_answer

_MAX_BODY_BYTES: Final = 64 * 1024
_MAX_PAGE: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer as it came."""

    status_code: int
    text: str
    headers: Mapping[str, str]
    latency_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An answer as bytes."""

    status_code: int
    content: bytes
    content_type: str


class AnsweredWrongly(LookFailed):
    """It answers, but not with what was asked for."""


class HttpSeam:
    """HTTP with one time limit for every look. Thread-safe; close it at the end."""

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        # No environment: a proxy variable must not send looks at loopback elsewhere.
        self._client = httpx.Client(
            timeout=timeout_s,
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": "hrx-ops"},
            limits=httpx.Limits(max_connections=50, max_keepalive_connections=0),
        )

    def look_at_readiness(self, subject: str, url: str) -> Observation:
        """Facts of a /readyz answer: `status`, `degraded` (names), `status_code` and one fact per check."""
        return look(subject, lambda: _readiness_facts(*self._get(url)))

    def look_at_page(self, subject: str, url: str) -> Observation:
        """Whether anything answers at `url`, with its status code."""
        return look(subject, lambda: {"status_code": self._get(url)[0]})

    def look_at_version(self, subject: str, url: str) -> Observation:
        """Facts of a /version answer: `version`, `commit`, `slot`, `schema_revision`, `started_at`."""
        return look(subject, lambda: _version_facts(*self._get(url)))

    def get_json(self, url: str, *, params: Mapping[str, str] | None = None) -> Any:
        """The JSON at `url`. Raises LookFailed, of an error as answer AnsweredWrongly. `Any`: the caller
        knows the shape."""
        code, body = self._get(url, params=params)
        if code >= 400 or body is None:
            raise AnsweredWrongly(no_answer(ValueError(f"HTTP {code}"), within_s=self._timeout_s).why)
        return body

    def get_page(self, url: str) -> Page:
        """A page as it comes, its text cut at 1 MB. Raises LookFailed."""
        headers = {"X-Correlation-ID": log.correlation_id.get() or "hrx-ops-look"}
        started = clock.monotonic_s()
        try:
            answer = self._client.get(url, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
            raise no_answer(error, within_s=self._timeout_s) from error
        return Page(
            status_code=answer.status_code,
            text=answer.text[:_MAX_PAGE],
            headers={name.lower(): value for name, value in answer.headers.items()},
            latency_ms=round((clock.monotonic_s() - started) * 1000, 1),
        )

    def get_file(self, url: str) -> File:
        """A file as it comes. Raises LookFailed."""
        try:
            answer = self._client.get(url)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
            raise no_answer(error, within_s=self._timeout_s) from error
        return File(
            status_code=answer.status_code,
            content=answer.content,
            content_type=answer.headers.get("content-type", ""),
        )

    def close(self) -> None:
        self._client.close()

    def _get(self, url: str, *, params: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Status code and parsed JSON (None when it is not JSON). `Any`: bodies come from elsewhere."""
        headers = {"X-Correlation-ID": log.correlation_id.get() or "hrx-ops-look"}
        try:
            answer = self._client.get(url, headers=headers, params=params)
            is_json = "json" in answer.headers.get("content-type", "")
            is_small = len(answer.content) <= _MAX_BODY_BYTES or params is not None
            return answer.status_code, answer.json() if is_json and is_small else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
            raise no_answer(error, within_s=self._timeout_s) from error


def _readiness_facts(code: int, body: Any) -> dict[str, Fact]:
    facts: dict[str, Fact] = {"status_code": code}
    if not isinstance(body, dict):
        return facts
    facts["status"] = str(body.get("status", ""))
    degraded = body.get("degraded")
    if isinstance(degraded, list):
        facts["degraded"] = ", ".join(str(item) for item in degraded)
    checks = body.get("checks")
    for item in checks if isinstance(checks, list) else []:
        if isinstance(item, dict) and "name" in item:
            facts[f"{item['name']}"] = f"{item.get('status', '')} ({item.get('latency_ms', '-')} ms)"
    return facts


def _version_facts(code: int, body: Any) -> dict[str, Fact]:
    if code != 200 or not isinstance(body, dict):
        return {"status_code": code}
    names = ("version", "commit", "slot", "schema_revision", "started_at")
    return {name: str(body[name]) for name in names if body.get(name) is not None}


__all__ = ["AnsweredWrongly", "File", "HttpSeam", "LookFailed", "Page"]
