"""Burning error budgets: traces of an outage, which tell for minutes to hours of what is over.

They join the incident that burns the budget and hold nothing up. Each multi-window rule stops telling of an
outage when its short window has passed; what burns longer than that after the end is trouble again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from hrx.kit import clock
from hrx.ops.ledger.incidents import Incident
from hrx.ops.ledger.signals import Condition, is_trace, list_conditions
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import set_timer
from hrx.ops.runbook.watch.content import Watch

BURNS_ON: Final = "incident.burns_on"
#: Rates are recorded over two minutes at most, and alerts need a moment to end.
_SLACK: Final = timedelta(seconds=180)


def looks_back(watch: Watch, found: Condition) -> timedelta:
    """For how long after an outage this may still be about it: the shortest window of the rules that tell.

    Nothing for what is no trace."""
    return min(_windows(watch, found), default=timedelta(0))


def is_burning_on(watch: Watch, found: Condition, *, ended_at: datetime) -> bool:
    """Whether a trace holds for longer than the end of the outage explains."""
    return _is_burning(found) and ended_at + looks_back(watch, found) <= clock.now()


def watch_burning(watch: Watch, connection: Connection, incident: Incident) -> None:
    """See to it that what burns on after the symptom of this incident has gone is noticed."""
    ended_at = incident.mitigated_at
    if ended_at is None:
        return
    burning = [one for one in list_conditions(connection, incident.id) if _is_burning(one)]
    due = [ended_at + looks_back(watch, one) for one in burning]
    later = [at for at in due if at > clock.now()]
    if later:
        set_timer(connection, kind=BURNS_ON, subject=incident.subject, due_at=min(later))


def _is_burning(found: Condition) -> bool:
    return is_trace(found.key) and found.is_firing


def _windows(watch: Watch, found: Condition) -> list[timedelta]:
    """The short windows of the rules that tell of it now, with their slack."""
    if not is_trace(found.key):
        return []
    names = set(dict(found.body.get("told_by", {})).values()) or {found.name}
    return [
        timedelta(seconds=rule.burn.short_s) + _SLACK
        for rule in watch.rules
        if rule.burn is not None and rule.name in names
    ]
