"""How bad an incident is, and whether its recovery clock runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Invalid, Text
from hrx.ops.incidents.actions.doing import Doing, act, refuse_state, require_unresolved, to_reason
from hrx.ops.incidents.clocks import Pause, find_running_pause, list_pauses, pause_to_json
from hrx.ops.incidents.lifecycle import hasten_paging, page, stop_paging
from hrx.ops.ledger.incidents import Incident
from hrx.ops.operators.roles import Actor
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity

_PAUSE_MAX: Final = timedelta(days=14)


def set_severity(
    plane: Plane, incident_id: int, *, severity: Severity, reason: str, actor: Actor
) -> Incident:
    """Judge it anew: both clocks are counted again from the opening; a worse one calls people again."""

    def do(doing: Doing) -> Incident:
        found = doing.incident
        require_unresolved(found)
        if found.severity is severity:
            return found
        saved = doing.change(
            replace(found, severity=severity),
            "severity_set",
            **{"from": int(found.severity), "to": int(severity), "reason": to_reason(reason)},
        )
        if severity < found.severity and saved.acknowledged_at is None:
            if not hasten_paging(doing.connection, saved):
                page(plane, doing.connection, saved)
        elif not plane.content.respond.severities[severity].pages:
            stop_paging(doing.connection, saved)
        return saved

    return act(plane, incident_id, actor=actor, do=do)


def pause_clock(plane: Plane, incident_id: int, *, until: datetime, reason: str, actor: Actor) -> Incident:
    """Stop the recovery clock until then at most, for a reason that is not ours to hasten."""

    def do(doing: Doing) -> Incident:
        found, now = doing.incident, clock.now()
        require_unresolved(found)
        if found.acknowledged_at is None:
            raise refuse_state(found, ja="対応開始前は止められません", en="Acknowledge it first")
        if find_running_pause(found, at=now) is not None:
            raise refuse_state(found, ja="時計はすでに止まっています", en="The clock is paused already")
        if not now < until <= now + _PAUSE_MAX:
            raise Invalid(
                Text(ja="再開の時刻は今から 14 日以内です", en="It must go on within the next 14 days"),
                code="incident.bad_pause",
            )
        pause = Pause(by=actor.name, reason=to_reason(reason), starts_at=now, until=until)
        pauses = [pause_to_json(item) for item in (*list_pauses(found), pause)]
        return doing.change(
            replace(found, body={**found.body, "pauses": pauses}),
            "paused",
            reason=pause.reason,
            until=until.isoformat(),
        )

    return act(plane, incident_id, actor=actor, do=do)


def continue_clock(plane: Plane, incident_id: int, *, actor: Actor) -> Incident:
    """Let the recovery clock go on before its pause is over."""

    def do(doing: Doing) -> Incident:
        found, now = doing.incident, clock.now()
        running = find_running_pause(found, at=now)
        if running is None:
            raise refuse_state(found, ja="時計は止まっていません", en="The clock is not paused")
        pauses = [
            pause_to_json(replace(item, ended_at=now) if item == running else item)
            for item in list_pauses(found)
        ]
        return doing.change(replace(found, body={**found.body, "pauses": pauses}), "continued")

    return act(plane, incident_id, actor=actor, do=do)
