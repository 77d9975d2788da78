"""Rotations as data: layers of people, hand-offs, hours; and what changes them for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from hrx.kit.errors import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A part of the week on the wall clock; `days` are 0 (Monday) to 6. It ends on the next day when
    `end` is not after `start`, so that 00:00 to 00:00 is the whole day."""

    days: frozenset[int]
    start: time
    end: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """People taking turns of `shift_days` local days, from `starts_on` at `hand_off`; nobody before that.

    Without `hours` the turns are around the clock."""

    people: tuple[str, ...]
    starts_on: date
    hand_off: time
    shift_days: int
    hours: tuple[Hours, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Layers over each other: where several cover a moment, the first of them is on call."""

    id: str
    title: Text
    time_zone: str
    layers: tuple[Layer, ...]


class ChangeKind(StrEnum):
    """OVERRIDE: somebody takes a rotation for a while. LEAVE: somebody is away, from every rotation."""

    OVERRIDE = "override"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCallChange:
    """One override or leave. `rotation` is None for leave; moments are half open: [starts_at, ends_at)."""

    id: int
    kind: ChangeKind
    person: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    made_by: str
    made_at: datetime
    rotation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One person on call without a break, [start, end). `layer` is None for an override."""

    person: str
    start: datetime
    end: datetime
    layer: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom a step pages: a person, or whoever is on call in a rotation."""

    rotation: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationStep:
    """Everybody paged together, and how long they have to acknowledge."""

    targets: tuple[Target, ...]
    delay_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What one severity does: places told at once, steps in order, and how often the steps begin again.

    `in_business_hours`: people are paged only while the office is open, and delays count only that time."""

    name: str
    steps: tuple[EscalationStep, ...]
    places: tuple[str, ...]
    rounds: int
    in_business_hours: bool = False
