"""A budget that burns on when the outage that burned it should have fallen silent: that is trouble again."""

from __future__ import annotations

from dataclasses import replace

from hrx.ops.incidents.gathering import Gathering
from hrx.ops.incidents.traces import is_burning_on, watch_burning
from hrx.ops.ledger.incidents import find_root
from hrx.ops.ledger.signals import first_statement, list_conditions, put_conditions
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import Timer
from hrx.ops.run.plane import Plane


def burns_on(plane: Plane, connection: Connection, timer: Timer) -> None:
    """What burns on is trouble now: a mitigated incident relapses, a resolved one stays resolved."""
    found = find_root(connection, int(timer.subject.removeprefix("incident:")))
    if found is None or found.mitigated_at is None:
        return
    burning = [
        one
        for one in list_conditions(connection, found.id)
        if is_burning_on(plane.content.watch, one, ended_at=found.mitigated_at)
    ]
    if burning:
        statements = [first_statement(one) for one in burning]
        gathering = Gathering(plane, connection, signals=statements, is_of_the_past=False)
        for one in burning:
            gathering.take(one)
        homes = gathering.settle_homes({one.key: one for one in burning})
        moved = [replace(one, incident_id=homes[one.key]) for one in burning]
        put_conditions(connection, moved, known=set(homes))
        gathering.finish(moved, begun=set(homes))
    watch_burning(plane.content.watch, connection, found)
