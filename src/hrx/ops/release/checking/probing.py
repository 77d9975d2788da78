"""Probes: one named question each over real HTTP, answered, refused, or not to be asked here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.release.releases import Outcome
from hrx.ops.seams.looking import LookFailed


class ProbeFailed(Exception):
    """It answers, but not as it should."""

    def __init__(self, ja: str, en: str) -> None:
        super().__init__(en)
        self.said = Text(ja=ja, en=en)


class Unasked(ProbeFailed):
    """There is nothing here that could be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """`ask` gives what was seen; raises ProbeFailed, Unasked, LookFailed."""

    name: str
    ask: Callable[[], Text]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    probe: str
    outcome: Outcome
    said: Text
    took_ms: int

    def document(self) -> Mapping[str, object]:
        return {
            "probe": self.probe,
            "outcome": self.outcome.value,
            "said": self.said.en,
            "took_ms": self.took_ms,
        }


def ask_all(probes: Sequence[Probe]) -> tuple[Probed, ...]:
    """Every probe, also after one that failed: what is broken is told whole."""
    return tuple(_ask(one) for one in probes)


def _ask(probe: Probe) -> Probed:
    began_s = clock.monotonic_s()
    try:
        outcome, said = Outcome.PASSED, probe.ask()
    except Unasked as error:
        outcome, said = Outcome.NOT_CHECKED, error.said
    except ProbeFailed as error:
        outcome, said = Outcome.FAILED, error.said
    except LookFailed as error:
        outcome, said = Outcome.FAILED, error.why
    took_ms = round((clock.monotonic_s() - began_s) * 1000)
    return Probed(probe=probe.name, outcome=outcome, said=said, took_ms=took_ms)
