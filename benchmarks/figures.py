"""Figures with their aims, and how they are shown: medians over alternating rounds, never a best run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """A bound that a figure should keep."""

    bound: float
    is_lower_bound: bool
    unit: str = ""

    def is_met_by(self, value: float) -> bool:
        return value >= self.bound if self.is_lower_bound else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.is_lower_bound else '≤'} {self.bound:,g}{self.unit and ' ' + self.unit}"


AT_LEAST_FLOOR = Aim(bound=0.6, is_lower_bound=True)
P99_OF_PAGE = Aim(bound=50, is_lower_bound=False, unit="ms")
IMPORT_ROWS_PER_S = Aim(bound=2_000, is_lower_bound=True, unit="rows/s")
TELEMETRY_COST = Aim(bound=10, is_lower_bound=False, unit="%")
STACK_MEMORY = Aim(bound=1.2 * 1024, is_lower_bound=False, unit="MiB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the result. `raw` holds what it was computed from, round by round."""

    what: str
    value: float
    unit: str
    aim: Aim | None = None
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return ""
        return "met" if self.aim.is_met_by(self.value) else "MISSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The figures of one measurement, with what a reader must know to believe them."""

    name: str
    notes: tuple[str, ...] = ()
    figures: list[Figure] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "notes": list(self.notes),
            "figures": [
                {**asdict(figure), "verdict": figure.verdict, "aim": str(figure.aim) if figure.aim else None}
                for figure in self.figures
            ],
        }


def ratio_of_rounds(product: Sequence[float], floor: Sequence[float]) -> float:
    """The median of the ratios, each of two neighbours in time: what disturbed one disturbed the other."""
    return statistics.median(mine / bare for mine, bare in zip(product, floor, strict=True))


def show(sections: Sequence[Section]) -> None:
    """Print every section as a table."""
    console = Console(width=118, highlight=False)
    for section in sections:
        table = Table(title=section.name, title_justify="left", show_edge=False, pad_edge=False)
        table.add_column("what", overflow="fold")
        table.add_column("figure", justify="right", no_wrap=True)
        table.add_column("aim", no_wrap=True)
        table.add_column("", no_wrap=True)
        for figure in section.figures:
            value = f"{_digits(figure.value)} {figure.unit}".rstrip()
            table.add_row(figure.what, value, str(figure.aim or ""), figure.verdict)
        console.print(table)
        for note in section.notes:
            console.print(f"  {note}", style="dim")
        console.print()


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2f}"
