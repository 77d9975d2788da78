"""The stretches of time that can be shown, each with a step that keeps a plot below two hundred points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hrx.kit.errors import Invalid, Text
from hrx.ops.runbook.watch.dashboards import PanelKind

#: A rate over less than this sees too few samples of exporters that are asked every ten seconds.
LEAST_WINDOW_S: Final = 60
#: Bars and cells are wider than points.
_POINTS_A_BAR: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How far back is shown, and how dense. `refresh_s`: how often a page asks again."""

    key: str
    title: Text
    seconds: int
    step_s: int
    refresh_s: int


SPANS: Final = (
    Span(key="15m", title=Text(ja="15 分", en="15 min"), seconds=900, step_s=5, refresh_s=10),
    Span(key="1h", title=Text(ja="1 時間", en="1 h"), seconds=3600, step_s=20, refresh_s=20),
    Span(key="6h", title=Text(ja="6 時間", en="6 h"), seconds=21_600, step_s=120, refresh_s=60),
    Span(key="24h", title=Text(ja="24 時間", en="24 h"), seconds=86_400, step_s=480, refresh_s=60),
    Span(key="7d", title=Text(ja="7 日", en="7 d"), seconds=604_800, step_s=3600, refresh_s=60),
)
DEFAULT: Final = SPANS[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The moments of a plot: seconds since 1970, both ends included, every `step_s`."""

    start_s: int
    end_s: int
    step_s: int

    @property
    def size(self) -> int:
        return (self.end_s - self.start_s) // self.step_s + 1

    @property
    def window_s(self) -> int:
        """How far a rate looks back so that nothing falls between two points."""
        return max(LEAST_WINDOW_S, self.step_s)

    def place_of(self, moment: datetime) -> float | None:
        """Where a moment lies, from 0 to 1; None outside. What happened since the last step is at the end."""
        at_s = moment.timestamp()
        if not self.start_s <= at_s <= self.end_s + self.step_s:
            return None
        return min(1.0, (at_s - self.start_s) / (self.end_s - self.start_s))


def get_span(key: str) -> Span:
    """The span of this name; the empty name is an hour. Raises Invalid."""
    if not key:
        return DEFAULT
    for span in SPANS:
        if span.key == key:
            return span
    names = ", ".join(span.key for span in SPANS)
    raise Invalid(
        Text(ja=f"期間は次のいずれかです: {names}", en=f"The time shown is one of: {names}"),
        code="dashboard.unknown_span",
    )


def make_grid(span: Span, kind: PanelKind, *, end: datetime) -> Grid:
    """The moments of a panel of this kind. Ends on a whole step: whoever asks within it asks the same."""
    step_s = span.step_s
    if kind in (PanelKind.BAR, PanelKind.HEAT):
        # Bars count what happened between them; below the window they would count it twice.
        step_s = max(LEAST_WINDOW_S, step_s * _POINTS_A_BAR)
    end_s = int(end.timestamp()) // step_s * step_s
    return Grid(start_s=end_s - span.seconds // step_s * step_s, end_s=end_s, step_s=step_s)
