"""Keeping the file true by which the probe knows whom to call when this plane is gone."""

from __future__ import annotations

from hrx.kit import clock
from hrx.ops.channels.channel import ChannelKind
from hrx.ops.channels.opening import list_configured
from hrx.ops.ledger.on_call import list_changes
from hrx.ops.observe.standby import Reach, standby_path, write_standby
from hrx.ops.paging.people import PLACE, list_step_people, usable_reaches
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity


def keep_standby(plane: Plane) -> None:
    """Write whom an outage would reach now, when that has changed. A round of the ticker."""
    write_standby(standby_path(plane.settings.var_dir), list_standby(plane))


def list_standby(plane: Plane) -> tuple[Reach, ...]:
    """Places first, then people step by step; each by every way that is configured."""
    on_call, configured, now = plane.content.on_call, list_configured(plane.settings), clock.now()
    policy = on_call.policy_for(Severity.CRITICAL, is_security=False)
    with plane.ledger.store.read() as connection:
        changes = list_changes(connection, ending_after=now)
    found: dict[tuple[str, ChannelKind], Reach] = {}
    for name in policy.places:
        place = on_call.find_place(name)
        if place is not None and place.reach.kind in configured:
            found[(name, place.reach.kind)] = Reach(
                recipient=f"{PLACE}{name}",
                channel=place.reach.kind.value,
                address=place.reach.address,
                language=place.language,
            )
    for step in policy.steps:
        for person in list_step_people(plane, step, at=now, changes=changes):
            for reach in usable_reaches(person.channels, configured):
                found.setdefault(
                    (person.id, reach.kind),
                    Reach(
                        recipient=person.id,
                        channel=reach.kind.value,
                        address=reach.address,
                        language=person.language,
                    ),
                )
    return tuple(found.values())
