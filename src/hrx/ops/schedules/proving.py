"""The proof that somebody is there: for every policy, at every moment of a period, a person who is reached.

Interval arithmetic over whole shifts, so that a year takes well under a second; the tests hold it against a
simulator that asks minute by minute. Pure: who can be reached at all is told from outside."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from hrx.ops.schedules.business import BusinessCalendar, list_open_spans
from hrx.ops.schedules.on_call import list_shifts
from hrx.ops.schedules.rotation import ChangeKind, OnCallChange, Policy, Rotation, Shift, Target
from hrx.ops.schedules.spans import Span, cut, merge, subtract

_NOTHING: Final = timedelta(0)


class Why(StrEnum):
    """Why a target gives nobody: nobody is planned, those planned are away, or no channel leads to them."""

    UNPLANNED = "unplanned"
    AWAY = "away"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why one target of a policy gives nobody. `people` are those who are away or cannot be reached."""

    why: Why
    target: str
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch in which a policy reaches nobody at all; `step` (from 1) when only that step does not."""

    span: Span
    reasons: tuple[Reason, ...]
    step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Double:
    """A stretch in which one person stands alone in two steps: the later one brings nobody new."""

    span: Span
    person: str
    steps: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyProof:
    """What was proven of one policy. `needed` is the time in which it pages people at all."""

    policy: str
    needed: timedelta
    gaps: tuple[Gap, ...]
    empty_steps: tuple[Gap, ...]
    doubles: tuple[Double, ...]

    @property
    def is_covered(self) -> bool:
        return not self.gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The proofs of every policy over [start, end)."""

    start: datetime
    end: datetime
    policies: tuple[PolicyProof, ...]

    @property
    def is_covered(self) -> bool:
        return all(one.is_covered for one in self.policies)


def prove(
    policies: Sequence[Policy],
    rotations: Sequence[Rotation],
    *,
    start: datetime,
    end: datetime,
    reachable: Collection[str],
    changes: Sequence[OnCallChange] = (),
    calendar: BusinessCalendar | None = None,
) -> Proof:
    """Every gap of every policy in [start, end); a policy without steps pages nobody and has none.

    `reachable`: people to whom a configured channel leads. `calendar` is for policies of business hours."""
    window = Span(start.astimezone(UTC), end.astimezone(UTC))
    prover = _Prover(window, rotations, frozenset(reachable), changes)
    open_spans = list_open_spans(calendar, start=window.start, end=window.end) if calendar else [window]
    return Proof(
        start=window.start,
        end=window.end,
        policies=tuple(
            prover.prove(policy, needed=open_spans if policy.in_business_hours else [window])
            for policy in policies
        ),
    )


class _Prover:
    """One period: every rotation is laid out once, whatever number of policies uses it."""

    def __init__(
        self,
        window: Span,
        rotations: Sequence[Rotation],
        reachable: frozenset[str],
        changes: Sequence[OnCallChange],
    ) -> None:
        self._window, self._reachable = window, reachable
        self._away = _leave_of(changes)
        present = [one for one in changes if one.kind is not ChangeKind.LEAVE]

        def lay_out(rotation: Rotation, having: Sequence[OnCallChange]) -> list[Shift]:
            return list_shifts(rotation, start=window.start, end=window.end, changes=having)

        self._shifts = {one.id: lay_out(one, changes) for one in rotations}
        #: Who would be there if nobody were away: those are the names to say.
        self._planned = {one.id: lay_out(one, present) for one in rotations} if self._away else self._shifts

    def prove(self, policy: Policy, *, needed: Sequence[Span]) -> PolicyProof:
        people = [self._people_of(step.targets) for step in policy.steps]
        targets = [target for step in policy.steps for target in step.targets]
        wanted = list(needed) if policy.steps else []
        everybody = merge(span for step in people for spans in step.values() for span in spans)
        empty = [
            self._gap(span, policy.steps[number].targets, step=number + 1)
            for number, step in enumerate(people)
            for span in _subtract_all(wanted, merge(span for spans in step.values() for span in spans))
        ]
        return PolicyProof(
            policy=policy.name,
            needed=sum((span.end - span.start for span in wanted), _NOTHING),
            gaps=tuple(self._gap(span, targets) for span in _subtract_all(wanted, everybody)),
            empty_steps=tuple(empty),
            doubles=tuple(_list_doubles(people, wanted)),
        )

    def _people_of(self, targets: Sequence[Target]) -> dict[str, list[Span]]:
        """Who a step would reach, and when."""
        found: dict[str, list[Span]] = {}
        for target in targets:
            if target.person is not None and target.person in self._reachable:
                there = subtract(self._window, self._away.get(target.person, []))
                found.setdefault(target.person, []).extend(there)
            for shift in self._shifts[target.rotation] if target.rotation else ():
                if shift.person in self._reachable:
                    found.setdefault(shift.person, []).append(Span(shift.start, shift.end))
        return {person: merge(spans) for person, spans in found.items()}

    def _gap(self, span: Span, targets: Sequence[Target], *, step: int | None = None) -> Gap:
        reasons = (reason for target in targets for reason in self._reasons(span, target))
        return Gap(span=span, reasons=tuple(dict.fromkeys(reasons)), step=step)

    def _reasons(self, span: Span, target: Target) -> Iterator[Reason]:
        if target.rotation is None:
            person = target.person or ""
            why = Why.AWAY if person in self._reachable else Why.UNREACHABLE
            yield Reason(why=why, target=f"person:{person}", people=(person,))
            return
        name = f"rotation:{target.rotation}"
        there = _during(self._shifts[target.rotation], span)
        planned = _during(self._planned[target.rotation], span)
        away = [one for one in planned if _is_away(self._away.get(one, []), span)]
        if there:
            yield Reason(why=Why.UNREACHABLE, target=name, people=tuple(there))
        if away:
            yield Reason(why=Why.AWAY, target=name, people=tuple(away))
        if not there and not away:
            yield Reason(why=Why.UNPLANNED, target=name)


def _during(shifts: Sequence[Shift], span: Span) -> list[str]:
    """Whose shifts touch a stretch, in order, each once."""
    return list(dict.fromkeys(one.person for one in shifts if one.start < span.end and one.end > span.start))


def _is_away(away: Sequence[Span], span: Span) -> bool:
    return any(cut(one, span) is not None for one in away)


def _leave_of(changes: Sequence[OnCallChange]) -> dict[str, list[Span]]:
    away: dict[str, list[Span]] = {}
    for change in changes:
        if change.kind is ChangeKind.LEAVE:
            span = Span(change.starts_at.astimezone(UTC), change.ends_at.astimezone(UTC))
            away.setdefault(change.person, []).append(span)
    return {person: merge(spans) for person, spans in away.items()}


def _subtract_all(wanted: Sequence[Span], covered: Sequence[Span]) -> list[Span]:
    """What of several stretches (in order) is not covered; one pass over both."""
    left: list[Span] = []
    at = 0
    for span in wanted:
        while at < len(covered) and covered[at].end <= span.start:
            at += 1
        until = at
        while until < len(covered) and covered[until].start < span.end:
            until += 1
        left.extend(subtract(span, covered[at:until]))
    return left


def _list_doubles(people: Sequence[Mapping[str, list[Span]]], wanted: Sequence[Span]) -> Iterator[Double]:
    """Where the only person of a later step is a person of an earlier one."""
    for later in range(1, len(people)):
        for person, spans in people[later].items():
            others = merge(
                span for other, theirs in people[later].items() if other != person for span in theirs
            )
            alone = _subtract_all(spans, others)
            for earlier in range(later):
                both = _intersect(alone, people[earlier].get(person, []))
                for span in _intersect(both, wanted):
                    yield Double(span=span, person=person, steps=(earlier + 1, later + 1))


def _intersect(ours: Sequence[Span], theirs: Sequence[Span]) -> list[Span]:
    """What lies in both (each in order and without overlaps)."""
    found: list[Span] = []
    mine = other = 0
    while mine < len(ours) and other < len(theirs):
        both = cut(ours[mine], theirs[other])
        if both is not None:
            found.append(both)
        if ours[mine].end <= theirs[other].end:
            mine += 1
        else:
            other += 1
    return found
