"""The frame around one look: the time it took, and why it failed when it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.kit.secrets import mask_text
from hrx.ops.check import Fact, Observation


class LookFailed(Exception):
    """The thing looked at did not answer; caught by `look`, which turns it into an Observation."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.en)
        self.why = why


def look(subject: str, ask: Callable[[], Mapping[str, Fact]]) -> Observation:
    """Ask once, and give what was learned or why nothing was."""
    observed_at, started = clock.now(), clock.monotonic_s()
    try:
        facts: Mapping[str, Fact] = ask()
        failure = None
    except LookFailed as error:
        facts, failure = {}, error.why
    return Observation(
        subject=subject,
        observed_at=observed_at,
        latency_ms=round((clock.monotonic_s() - started) * 1000, 1),
        facts=facts,
        failure=failure,
    )


def no_answer(error: Exception, *, within_s: float) -> LookFailed:
    """A failure in words, without the credentials that drivers like to put into theirs."""
    said = mask_text((str(error).strip().splitlines() or [""])[0])[:200]
    named = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if "timeout" in type(error).__name__.lower() or "timed out" in said.lower():
        return LookFailed(
            Text(ja=f"{within_s:g} 秒以内に応答がありません", en=f"No answer within {within_s:g} s")
        )
    if "refused" in said.lower():
        return LookFailed(Text(ja="接続が拒否されました", en="Connection refused"))
    return LookFailed(Text(ja=f"応答がありません({named})", en=f"No answer ({named})"))
