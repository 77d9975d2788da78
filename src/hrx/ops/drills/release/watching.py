"""What a release drill keeps while it goes: figures, what the product said, and people at work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from hrx.ops.drills.release.stack import Said, Stack, stuck
from hrx.ops.drills.release.standing import list_disagreements
from hrx.ops.drills.traffic import BOTH_SERVICES, Tally, people_at_work
from hrx.ops.release.releases import Release

PEOPLE_PER_S: Final = 30.0


@dataclass(kw_only=True)
class Watch:
    """Filled as the drill goes, told as far as it came."""

    figures: dict[str, float] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def note(self, name: str, value: float) -> None:
        self.figures[name] = round(value, 3)

    def hear(self, said: Said) -> None:
        """What a command refused or reported, by its stable code."""
        if said.error:
            self.said.append(said.error)

    def expect_on(self, stack: Stack, release: Release) -> None:
        """Everything must stand on this release now; what does not is kept."""
        self.left += list_disagreements(stack, release)

    @contextmanager
    def people(self, stack: Stack) -> Iterator[Tally]:
        """Demo people at work through the edge; what they got becomes figures."""
        with people_at_work(stack, per_s=PEOPLE_PER_S, paths=BOTH_SERVICES) as tally:
            yield tally
        self.note("requests", tally.answered + tally.failed + tally.lost)
        self.note("lost", tally.lost)
        self.note("failed", tally.failed)


def require_done(said: Said, what: str) -> None:
    """Raises Unavailable, with the command's own words, when it did not end well."""
    if said.code != 0:
        raise stuck(f"{what} ended with {said.code}: {said.words}")
