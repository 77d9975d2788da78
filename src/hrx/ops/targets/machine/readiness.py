"""Is it really up? Asked from outside, over the same doors that people and monitors use."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from hrx.kit.errors import Text, Unavailable

_POLL_S: Final = 0.1
_REQUEST_TIMEOUT_S: Final = 3.0
_SETTLE_S: Final = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a door said; status 0 when nobody answered."""

    status: int
    document: dict[str, Any]
    reason: str = ""

    @property
    def is_ready(self) -> bool:
        return self.status == 200

    @property
    def degraded(self) -> list[str]:
        """The features that the part itself reports as lost."""
        found = self.document.get("degraded", [])
        return [str(item) for item in found] if isinstance(found, list) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One address that must answer 200 before we say "up"; `part` names it in messages and logs."""

    part: str
    url: str


def ask(url: str, *, timeout_s: float = _REQUEST_TIMEOUT_S) -> Answer:
    """GET an address; never raises."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout_s)
    try:
        connection.request("GET", parts.path or "/", headers={"Accept": "application/json"})
        reply = connection.getresponse()
        body = reply.read()
    except (OSError, http.client.HTTPException) as error:
        return Answer(status=0, document={}, reason=str(error) or type(error).__name__)
    finally:
        connection.close()
    try:
        document = json.loads(body)
    except ValueError:
        document = {}
    return Answer(status=reply.status, document=document if isinstance(document, dict) else {})


def wait_until_ready(
    doors: Sequence[Door], *, timeout_s: float, is_hopeless: Callable[[str], bool] = lambda _: False
) -> dict[str, Answer]:
    """Wait until every door answers 200; gives the last answers by part.

    `is_hopeless(part)` may end the wait early. Raises Unavailable naming the parts that stay shut."""
    deadline = time.monotonic() + timeout_s
    answers: dict[str, Answer] = {}
    waiting = list(doors)
    while waiting:
        answers |= {door.part: ask(door.url) for door in waiting}
        waiting = [door for door in waiting if not answers[door.part].is_ready]
        if not waiting:
            return answers
        if time.monotonic() > deadline or any(is_hopeless(door.part) for door in waiting):
            raise _still_shut(waiting, answers)
        time.sleep(_POLL_S)
    return answers


def ask_degraded_again(doors: Sequence[Door], answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """What is "degraded" in the first seconds is often only not finished, or misses a part that starts later:
    ask again before saying so. Gives the last answers by part."""
    answers = dict(answers)
    deadline = time.monotonic() + _SETTLE_S
    while time.monotonic() < deadline and any(answer.degraded for answer in answers.values()):
        time.sleep(_POLL_S)
        answers |= {door.part: ask(door.url) for door in doors if answers[door.part].degraded}
    return answers


def _still_shut(waiting: Sequence[Door], answers: dict[str, Answer]) -> Unavailable:
    said = ", ".join(f"{door.part} ({_describe(answers[door.part])})" for door in waiting)
    first = waiting[0].part
    return Unavailable(
        Text(ja=f"準備が整わない部品があります: {said}", en=f"Some parts do not become ready: {said}"),
        hint=Text(
            ja=f"`make logs PART={first}` で記録を見てください。",
            en=f"See what it wrote: `make logs PART={first}`.",
        ),
        code="stack.not_ready",
    )


def _describe(answer: Answer) -> str:
    if answer.status == 0:
        return answer.reason
    failed = [
        str(check.get("name")) for check in answer.document.get("checks", []) if check.get("status") == "down"
    ]
    return f"HTTP {answer.status}" + (f": {', '.join(failed)}" if failed else "")
