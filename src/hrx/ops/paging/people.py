"""Who can be paged: on call by rule and change, and reachable through a channel that is configured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hrx.kit.errors import Language
from hrx.ops.channels.channel import ChannelKind
from hrx.ops.channels.opening import list_configured
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.contacts import Contact, Reach
from hrx.ops.runbook.content import Content
from hrx.ops.schedules.on_call import find_on_call
from hrx.ops.schedules.rotation import ChangeKind, EscalationStep, OnCallChange

#: How a recipient that is nobody begins.
PLACE = "place:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A person or place as the sender needs it: a name, a language, and ways in order of preference."""

    id: str
    language: Language
    reaches: tuple[Reach, ...]


def find_recipient(content: Content, recipient: str) -> Recipient | None:
    """Whoever is meant by a contact's id or `place:#name`; None when the content knows nobody like it."""
    if recipient.startswith(PLACE):
        place = content.on_call.find_place(recipient.removeprefix(PLACE))
        return Recipient(id=recipient, language=place.language, reaches=(place.reach,)) if place else None
    person = content.contacts.find(recipient)
    return Recipient(id=person.id, language=person.language, reaches=person.channels) if person else None


def usable_reaches(reaches: Sequence[Reach], configured: frozenset[ChannelKind]) -> tuple[Reach, ...]:
    """The ways that the settings make possible, in their order."""
    return tuple(one for one in reaches if one.kind in configured)


def list_step_people(
    plane: Plane, step: EscalationStep, *, at: datetime, changes: Sequence[OnCallChange]
) -> list[Contact]:
    """Whom a step would page now: on call, not away, with a way to be reached. May be nobody."""
    content, configured = plane.content, list_configured(plane.settings)
    found: dict[str, Contact] = {}
    for target in step.targets:
        name = target.person
        if target.rotation is not None:
            shift = find_on_call(content.on_call.get_rotation(target.rotation), at=at, changes=changes)
            name = shift.person if shift else None
        person = content.contacts.find(name) if name else None
        if person is None or is_away(person.id, at=at, changes=changes):
            continue
        if usable_reaches(person.channels, configured):
            found[person.id] = person
    return list(found.values())


def is_away(person: str, *, at: datetime, changes: Sequence[OnCallChange]) -> bool:
    """Whether somebody is on leave at a moment."""
    return any(
        change.kind is ChangeKind.LEAVE
        and change.person == person
        and change.starts_at <= at < change.ends_at
        for change in changes
    )
