"""A known hole in a package: one shape for all who tell of them, and how severe it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum


class Severity(IntEnum):
    """Unknown stands above all: nobody said that it is harmless."""

    LOW = 1
    MODERATE = 2
    HIGH = 3
    CRITICAL = 4
    UNKNOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """`id` is the advisory's, `aliases` its other names. `fixed`: versions without it. `unclear`: the package
    is named, but not in a way by which this version could be compared."""

    package: str
    version: str
    id: str
    aliases: frozenset[str] = frozenset()
    severity: Severity = Severity.UNKNOWN
    fixed: tuple[str, ...] = ()
    summary: str = ""
    unclear: bool = False

    @property
    def names(self) -> frozenset[str]:
        return self.aliases | {self.id}


def read_severity(word: object) -> Severity:
    """The word of an advisory; `info` counts as low, what nobody said as unknown."""
    said = str(word or "").upper()
    known = {"INFO": "LOW", "MEDIUM": "MODERATE"}.get(said, said)
    return Severity[known] if known in Severity.__members__ else Severity.UNKNOWN


def merge_same(holes: Iterable[Hole]) -> tuple[Hole, ...]:
    """One entry for what several databases tell under several names; in order of package and id."""
    merged: list[Hole] = []
    for hole in sorted(holes, key=lambda one: (one.package, one.version, one.id)):
        at = next((at for at, one in enumerate(merged) if _is_same(one, hole)), None)
        if at is None:
            merged.append(hole)
        else:
            merged[at] = _join(merged[at], hole)
    return tuple(merged)


def _is_same(one: Hole, other: Hole) -> bool:
    return (one.package, one.version) == (other.package, other.version) and bool(one.names & other.names)


def _join(one: Hole, other: Hole) -> Hole:
    known = [rank for rank in (one.severity, other.severity) if rank is not Severity.UNKNOWN]
    return replace(
        one,
        aliases=one.names | other.names,
        severity=max(known, default=Severity.UNKNOWN),
        fixed=tuple(sorted({*one.fixed, *other.fixed})),
        summary=one.summary or other.summary,
        unclear=one.unclear and other.unclear,
    )
