"""How commands say an incident: its clocks in words, and the whole as JSON."""

from __future__ import annotations

from dataclasses import asdict

from hrx.cli import output
from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.incidents.clocks import Clock, ClockName, read_clock
from hrx.ops.ledger.incidents import Incident
from hrx.ops.run.plane import Plane


def clocks_of(plane: Plane, found: Incident) -> tuple[Clock, Clock]:
    now = clock.now()
    respond, recover = (
        read_clock(plane.content.respond, found, name, now=now)
        for name in (ClockName.RESPOND, ClockName.RECOVER)
    )
    return respond, recover


def say_clock(one: Clock) -> str:
    state = output.word("clock", one.state.value)
    if one.left is None or one.due_at is None:
        return state
    left, due = output.duration(one.left.total_seconds()), output.moment(one.due_at)
    return output.say(
        Text(ja=f"{state}(残り {left}、期限 {due})", en=f"{state} ({left} left, due {due})")
        if one.left.total_seconds() >= 0
        else Text(ja=f"{state}({left[1:]} 超過、期限 {due})", en=f"{state} ({left[1:]} over, due {due})")
    )


def to_document(found: Incident, respond: Clock, recover: Clock) -> dict[str, object]:
    return {
        "incident": found.id,
        "state": found.state.value,
        "severity": int(found.severity),
        "title": asdict(found.title),
        "part": found.part,
        "sop": found.sop,
        "acknowledged_by": found.acknowledged_by,
        "opened_at": found.opened_at,
        "mitigated_at": found.mitigated_at,
        "resolved_at": found.resolved_at,
        "clocks": {
            one.name.value: {
                "state": one.state.value,
                "due_at": one.due_at,
                "left_s": one.left.total_seconds() if one.left is not None else None,
            }
            for one in (respond, recover)
        },
    }
