"""Who is on call: now, in the weeks to come, and whether somebody always is. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from hrx.kit import clock
from hrx.ops.channels.opening import list_configured
from hrx.ops.ledger.on_call import list_changes
from hrx.ops.paging.people import is_away, usable_reaches
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.contacts import Contact, Reach
from hrx.ops.schedules.on_call import find_on_call, list_shifts
from hrx.ops.schedules.proving import Gap, Proof, prove
from hrx.ops.schedules.rotation import OnCallChange, Policy, Rotation, Shift, Target

#: A change that is only tried wins over those that are made, as it would when it is.
_NEWEST: Final = 2**31
#: How far ahead the proof looks.
YEAR: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDuty:
    """One target of a step at a moment: who that is, until when, and the ways that lead to them now."""

    target: Target
    person: Contact | None
    until: datetime | None = None
    is_override: bool = False
    ways: tuple[Reach, ...] = ()

    @property
    def is_reachable(self) -> bool:
        return self.person is not None and bool(self.ways)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyNow:
    """One policy at a moment: whom each of its steps would page, in order."""

    policy: Policy
    steps: tuple[tuple[OnDuty, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationShifts:
    """A rotation's shifts over a period, in order."""

    rotation: Rotation
    shifts: tuple[Shift, ...]


def read_changes(plane: Plane, *, after: datetime | None = None) -> list[OnCallChange]:
    """Overrides and leave that are not over."""
    with plane.ledger.store.read() as connection:
        return list_changes(connection, ending_after=after or clock.now())


def list_now(plane: Plane, *, at: datetime | None = None) -> list[PolicyNow]:
    """Every policy with whom it pages at a moment; severities first, security last."""
    moment = at or clock.now()
    changes = read_changes(plane, after=moment)
    return [
        PolicyNow(
            policy=policy,
            steps=tuple(
                tuple(_on_duty(plane, target, at=moment, changes=changes) for target in step.targets)
                for step in policy.steps
            ),
        )
        for policy in plane.content.on_call.policies.values()
    ]


def list_rotations(
    plane: Plane, *, start: datetime, end: datetime, rotation: str | None = None
) -> list[RotationShifts]:
    """Every rotation (or one) with its shifts in [start, end). Raises NotFound for an unknown one."""
    on_call = plane.content.on_call
    wanted = [on_call.get_rotation(rotation)] if rotation else list(on_call.rotations)
    changes = read_changes(plane, after=start)
    return [
        RotationShifts(rotation=one, shifts=tuple(list_shifts(one, start=start, end=end, changes=changes)))
        for one in wanted
    ]


def prove_coverage(
    plane: Plane,
    *,
    start: datetime | None = None,
    length: timedelta = YEAR,
    besides: Sequence[OnCallChange] = (),
) -> Proof:
    """Whether everybody who is needed can be reached from now on; `besides` tries changes nobody made yet."""
    begin = start or clock.now()
    configured = list_configured(plane.settings)
    return prove(
        list(plane.content.on_call.policies.values()),
        plane.content.on_call.rotations,
        start=begin,
        end=begin + length,
        reachable=[
            person.id
            for person in plane.content.contacts.people
            if usable_reaches(person.channels, configured)
        ],
        changes=[*read_changes(plane, after=begin), *(replace(one, id=_NEWEST) for one in besides)],
        calendar=plane.content.respond.calendar,
    )


def list_new_gaps(plane: Plane, planned: OnCallChange) -> list[tuple[str, Gap]]:
    """The gaps that a planned change would open in its period, each with the policy it is of."""
    start, length = planned.starts_at, planned.ends_at - planned.starts_at
    before = prove_coverage(plane, start=start, length=length)
    after = prove_coverage(plane, start=start, length=length, besides=[planned])
    known = {(one.policy, gap.span) for one in before.policies for gap in one.gaps}
    return [
        (one.policy, gap) for one in after.policies for gap in one.gaps if (one.policy, gap.span) not in known
    ]


def _on_duty(plane: Plane, target: Target, *, at: datetime, changes: Sequence[OnCallChange]) -> OnDuty:
    content, configured = plane.content, list_configured(plane.settings)
    shift = None
    if target.rotation is not None:
        shift = find_on_call(content.on_call.get_rotation(target.rotation), at=at, changes=changes)
    name = shift.person if shift else target.person
    person = content.contacts.find(name) if name else None
    if person is None or is_away(person.id, at=at, changes=changes):
        return OnDuty(target=target, person=None)
    return OnDuty(
        target=target,
        person=person,
        until=shift.end if shift else None,
        is_override=shift is not None and shift.layer is None,
        ways=usable_reaches(person.channels, configured),
    )
