"""Whether the standby takes over by itself (opt-in): decided from what is seen of both, and only for a pair
that was whole before.

A primary that is stopped on purpose, or a place that is just coming up, is no lost primary. What is proven
before a promotion is not decided here: `fail_over` ends the old primary for certain, and refuses a loss that
is known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One look. `at` is when it ended, `silent_since` when the question began that got no answer, both of a
    clock that only runs forward, in seconds. `is_on_purpose`: somebody stopped the primary, or starts the
    place right now."""

    at: float
    silent_since: float | None = None
    primary_answers: bool
    standby_follows: bool
    is_on_purpose: bool


class Guard:
    """Due once the primary was silent for `after_s` without a break, while the standby answers as a follower;
    then not again before the pair was seen whole."""

    def __init__(self, *, after_s: float) -> None:
        self._after_s = after_s
        self._is_armed = False
        self._silent_since: float | None = None

    def is_due(self, sight: Sight) -> bool:
        if sight.primary_answers:
            self._is_armed = self._is_armed or sight.standby_follows
            self._silent_since = None
            return False
        if sight.is_on_purpose or not sight.standby_follows:
            self._silent_since = None
            return False
        if self._silent_since is None:
            self._silent_since = sight.at if sight.silent_since is None else sight.silent_since
        if not self._is_armed or sight.at - self._silent_since < self._after_s:
            return False
        self._is_armed = False
        return True
