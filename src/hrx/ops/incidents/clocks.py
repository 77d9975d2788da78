"""The two clocks of an incident: until somebody responds, until the symptom has gone (runbook 5.1). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from hrx.ops.ledger.incidents import Incident
from hrx.ops.runbook.respond import Budget, Counts, Respond
from hrx.ops.schedules.business import BusinessCalendar, add_business_time, business_time_between


class ClockName(StrEnum):
    RESPOND = "respond"
    RECOVER = "recover"


class ClockState(StrEnum):
    """RESTING: it counts business time, and the office is closed. NONE: there is no fixed limit."""

    RUNNING = "running"
    RESTING = "resting"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A time in which the recovery clock does not count: who stopped it, why, and until when at most."""

    by: str
    reason: str
    starts_at: datetime
    until: datetime
    ended_at: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        return min(self.ended_at, self.until) if self.ended_at else self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One clock at one moment. `left` is the time it would still count; negative once it is breached.

    `used_ratio` is the share of the budget that is used up, above 1 once it is breached."""

    name: ClockName
    state: ClockState
    due_at: datetime | None
    stopped_at: datetime | None
    left: timedelta | None
    used_ratio: float


def list_pauses(incident: Incident) -> tuple[Pause, ...]:
    """The pauses of an incident, the first one first."""
    return tuple(_pause_from_json(item) for item in incident.body.get("pauses", []))


def pause_to_json(pause: Pause) -> dict[str, object]:
    return {
        "by": pause.by,
        "reason": pause.reason,
        "starts_at": pause.starts_at.isoformat(),
        "until": pause.until.isoformat(),
        "ended_at": pause.ended_at.isoformat() if pause.ended_at else None,
    }


def find_running_pause(incident: Incident, *, at: datetime) -> Pause | None:
    """The pause that holds the recovery clock at this moment."""
    return next((pause for pause in list_pauses(incident) if pause.starts_at <= at < pause.ends_at), None)


def due_moments(respond: Respond, incident: Incident) -> tuple[datetime | None, datetime | None]:
    """When response and recovery are due, counted from the opening; pauses move the recovery only."""
    rule = respond.severities[incident.severity]
    start = incident.opened_at
    return (
        due_at(respond, rule.respond, start=start),
        due_at(respond, rule.recover, start=start, pauses=list_pauses(incident)),
    )


def due_at(
    respond: Respond, budget: Budget, *, start: datetime, pauses: Sequence[Pause] = (), share: float = 1.0
) -> datetime | None:
    """When this share of the budget is used up; None when there is no fixed limit."""
    if budget.amount is None:
        planned = respond.next_release_at
        return planned if planned is not None and planned > start and share == 1.0 else None
    left = _length(respond.calendar, budget) * share
    at = start
    for begins, ends in _spans(pauses):
        before = _passed(respond.calendar, budget, at, begins)
        if before >= left:
            break
        left, at = left - before, max(at, ends)
    if not budget.is_business:
        return at + left
    return add_business_time(respond.calendar, at, left)


def read_clock(respond: Respond, incident: Incident, name: ClockName, *, now: datetime) -> Clock:
    """One clock as it stands now."""
    rule = respond.severities[incident.severity]
    is_response = name is ClockName.RESPOND
    budget = rule.respond if is_response else rule.recover
    due = incident.respond_due_at if is_response else incident.recover_due_at
    stopped_at = find_stop(incident, name)
    end = stopped_at or now
    if due is None:
        state = ClockState.NONE if stopped_at is None else ClockState.MET
        return Clock(name=name, state=state, due_at=None, stopped_at=stopped_at, left=None, used_ratio=0.0)
    pauses = () if is_response else list_pauses(incident)
    left = _left(respond.calendar, budget, now=end, due=due, pauses=pauses)
    whole = _length(respond.calendar, budget) or (due - incident.opened_at)
    return Clock(
        name=name,
        state=_state(respond, budget, incident, due=due, stopped_at=stopped_at, end=end, pauses=pauses),
        due_at=due,
        stopped_at=stopped_at,
        left=left,
        used_ratio=1 - left / whole,
    )


def find_stop(incident: Incident, name: ClockName) -> datetime | None:
    """When the clock stopped: at the acknowledgement, or at the first later thing that makes it pointless."""
    ends = [incident.mitigated_at, incident.resolved_at, incident.closed_at]
    if name is ClockName.RESPOND:
        ends.append(incident.acknowledged_at)
    return min((at for at in ends if at is not None), default=None)


def _state(
    respond: Respond,
    budget: Budget,
    incident: Incident,
    *,
    due: datetime,
    stopped_at: datetime | None,
    end: datetime,
    pauses: Sequence[Pause],
) -> ClockState:
    if end > due:
        return ClockState.BREACHED
    if stopped_at is not None:
        return ClockState.MET
    if any(pause.starts_at <= end < pause.ends_at for pause in pauses):
        return ClockState.PAUSED
    if budget.is_business and not respond.calendar.is_open(end):
        return ClockState.RESTING
    return ClockState.RUNNING


def _left(
    calendar: BusinessCalendar, budget: Budget, *, now: datetime, due: datetime, pauses: Sequence[Pause]
) -> timedelta:
    if now > due:
        return -_passed(calendar, budget, due, now)
    paused = sum(
        (
            _passed(calendar, budget, max(begins, now), min(ends, due))
            for begins, ends in _spans(pauses)
            if ends > now and begins < due
        ),
        timedelta(0),
    )
    return _passed(calendar, budget, now, due) - paused


def _spans(pauses: Sequence[Pause]) -> list[tuple[datetime, datetime]]:
    """The pauses in order, overlapping ones joined."""
    spans: list[tuple[datetime, datetime]] = []
    for begins, ends in sorted((pause.starts_at, pause.ends_at) for pause in pauses):
        if ends <= begins:
            continue
        if spans and begins <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], ends))
        else:
            spans.append((begins, ends))
    return spans


def _length(calendar: BusinessCalendar, budget: Budget) -> timedelta:
    if budget.amount is None:
        return timedelta(0)
    if budget.counts is Counts.BUSINESS_DAYS:
        return calendar.day_length * budget.amount
    return timedelta(minutes=budget.amount)


def _passed(calendar: BusinessCalendar, budget: Budget, start: datetime, end: datetime) -> timedelta:
    if budget.is_business:
        return business_time_between(calendar, start, end)
    return max(timedelta(0), end - start)


# `Any`: JSON.
def _pause_from_json(values: Mapping[str, Any]) -> Pause:
    ended = values.get("ended_at")
    return Pause(
        by=values["by"],
        reason=values["reason"],
        starts_at=datetime.fromisoformat(values["starts_at"]),
        until=datetime.fromisoformat(values["until"]),
        ended_at=datetime.fromisoformat(ended) if ended else None,
    )
