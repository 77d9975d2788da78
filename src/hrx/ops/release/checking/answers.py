"""Does a new release answer the questions that customers keep as well as the releases before it did?

The worker asks them once a release and tells how far the same questions fell (`assistant.evaluate_now`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.release.checking.probing import ProbeFailed, Unasked
from hrx.ops.seams.http import HttpSeam
from hrx.ops.seams.looking import LookFailed
from hrx.ops.seams.metrics import Sample, query

_POLL_S: Final = 5.0
_RELEASES: Final = "max by (release) (hrx_assistant_evaluation_ratio)"
#: As the alert AnswersWorse asks; `first` and `not_found` rest on few questions.
_LOST: Final = (
    "max by (language, measure) (hrx_assistant_evaluation_lost_ratio"
    '{release="%s",measure=~"hit|mrr|supported"})'
)
_OLDEST: Final = "min(hrx_assistant_evaluation_timestamp_seconds)"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersProbe:
    """`release`: the first 12 hex digits of its commit. `began_at`: when its rollout began, which its
    evaluation cannot come before; None when no rollout is on record. `wait_s`: how long one that is under way
    is waited for. `most_lost`: ratio above which it fails."""

    http: HttpSeam
    prometheus_url: str
    release: str
    began_at: datetime | None
    wait_s: float
    most_lost: float
    sleep: Callable[[float], None] = time.sleep

    def ask(self) -> Text:
        """What was lost, once every customer's questions were asked. Raises ProbeFailed as soon as one
        customer lost too much; Unasked where nobody keeps questions, or they are not through in time."""
        deadline_s = clock.monotonic_s() + self.wait_s
        while True:
            try:
                is_over = self._is_over()
                lost = self._query(_LOST % self.release)
            except LookFailed as error:
                raise Unasked(f"Prometheus: {error.why.ja}", f"Prometheus: {error.why.en}") from error
            worst = max(lost, key=lambda one: one.value, default=None)
            if worst is not None and worst.value > self.most_lost:
                raise ProbeFailed(*_say_lost(worst))
            if is_over:
                return _judge(worst)
            if clock.monotonic_s() >= deadline_s:
                raise Unasked(
                    f"{self.wait_s:g} 秒待ちましたが、顧客の質問集の評価が終わっていません",
                    f"customers' questions are still being asked after {self.wait_s:g} s",
                )
            self.sleep(_POLL_S)

    def _is_over(self) -> bool:
        """Raises Unasked where no question was ever asked."""
        releases = self._query(_RELEASES)
        if not releases:
            raise Unasked("質問集のある顧客がいません", "no customer keeps questions to be evaluated")
        if self.release not in {one.labels.get("release") for one in releases}:
            return False
        if self.began_at is None:
            return True
        # Of the customer who was evaluated longest ago.
        oldest = self._query(_OLDEST)
        return bool(oldest) and oldest[0].value >= self.began_at.timestamp()

    def _query(self, promql: str) -> list[Sample]:
        return list(query(self.http, self.prometheus_url, promql))


def _judge(worst: Sample | None) -> Text:
    if worst is None:
        raise Unasked(
            "前の版と比べられる質問が足りません(言語ごとに 20 問から)",
            "too few questions were asked before, too (20 a language are needed)",
        )
    return Text(*_say_lost(worst)) if worst.value > 0 else Text(ja="低下なし", en="nothing lost")


def _say_lost(worst: Sample) -> tuple[str, str]:
    language, kind = worst.labels.get("language", ""), worst.labels.get("measure", "")
    return (
        f"顧客の質問集({language})の {kind} が {worst.value:.1%} 下がりました",
        f"on customers' questions ({language}), {kind} is {worst.value:.1%} lower than before",
    )
