"""What the ledger says of an incident that is over: its time line, measured times, causes with evidence.

Nothing here was written by anybody afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.communication.facts import CauseFact, find_cause
from hrx.ops.incidents.clocks import Clock, ClockName, read_clock
from hrx.ops.incidents.story import tell, topic_of
from hrx.ops.ledger.communications import Audience, Notice, NoticeState, list_notices
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind
from hrx.ops.ledger.incidents import Incident
from hrx.ops.ledger.signals import list_conditions
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity

_ENTRIES_MAX: Final = 500
_CONDITIONS_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of the time line. `since_open` is negative for what began before it was noticed."""

    at: datetime
    since_open: timedelta
    actor: str
    topic: str
    text: Text
    seq: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measured time from the opening; None when it never came. `limit` is what was promised."""

    name: Text
    took: timedelta | None
    limit: timedelta | None = None
    is_met: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseSeenThen:
    """A cause as triage judged it, with the predictions that decided it."""

    title: Text
    verdict: str
    is_first: bool
    evidence: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrospect:
    """Everything that is known without asking anybody."""

    incident: Incident
    worst: Severity
    moments: tuple[Moment, ...]
    measures: tuple[Measure, ...]
    clocks: tuple[Clock, ...]
    causes: tuple[CauseSeenThen, ...]
    cause: CauseFact | None
    told: tuple[Notice, ...]


def look_back(plane: Plane, incident: Incident) -> Retrospect:
    """Read an incident's past from the ledger; the oldest line first."""
    entries = list(
        reversed(plane.ledger.list_entries(EntryFilter(subject=incident.subject), limit=_ENTRIES_MAX))
    )
    with plane.ledger.store.read() as connection:
        told = list_notices(
            connection, incident_id=incident.id, with_absorbed=True, states=(NoticeState.PUBLISHED,)
        )
        began = [one.first_at for one in list_conditions(connection, incident.id, limit=_CONDITIONS_MAX)]
    now = clock.now()
    respond = plane.content.respond
    clocks = tuple(read_clock(respond, incident, name, now=now) for name in ClockName)
    return Retrospect(
        incident=incident,
        worst=find_worst(entries, incident),
        moments=_moments(plane, incident, entries, began=min(began, default=None)),
        measures=_measures(incident, entries, clocks=clocks, told=told, began=min(began, default=None)),
        clocks=clocks,
        causes=_causes(incident),
        cause=find_cause(incident),
        told=tuple(reversed(told)),
    )


def find_worst(entries: list[Entry], incident: Incident) -> Severity:
    """The worst severity it ever had: judging it lighter later takes no duty away."""
    seen = [one.body.get("severity") for one in entries if one.kind is not Kind.SIGNALS]
    return Severity(min((int(one) for one in seen if isinstance(one, int)), default=int(incident.severity)))


def _moments(
    plane: Plane, incident: Incident, entries: list[Entry], *, began: datetime | None
) -> tuple[Moment, ...]:
    zone = plane.content.respond.calendar.zone
    found = [
        Moment(
            at=one.at,
            since_open=one.at - incident.opened_at,
            actor=one.actor,
            topic=topic_of(one),
            text=tell(one, zone=zone),
            seq=one.seq,
        )
        for one in entries
        # A post-mortem does not tell of its own making.
        if not str(one.body.get("change", "")).startswith("post_mortem")
    ]
    if began is not None and began < incident.opened_at:
        first = Moment(
            at=began,
            since_open=began - incident.opened_at,
            actor="",
            topic="signals",
            text=Text(ja="最初の異常が始まりました", en="The first symptom began"),
            seq=None,
        )
        found = [first, *found]
    return tuple(found)


def _measures(
    incident: Incident,
    entries: list[Entry],
    *,
    clocks: tuple[Clock, ...],
    told: list[Notice],
    began: datetime | None,
) -> tuple[Measure, ...]:
    opened = incident.opened_at

    def since(at: datetime | None) -> timedelta | None:
        return at - opened if at else None

    def first(kind: Kind, **wanted: str) -> datetime | None:
        for one in entries:
            if one.kind is kind and all(one.body.get(key) == value for key, value in wanted.items()):
                return one.at
        return None

    def judged(which: ClockName, took: timedelta | None) -> tuple[timedelta | None, bool | None]:
        found = next(one for one in clocks if one.name is which)
        limit = found.due_at - opened if found.due_at else None
        return limit, None if took is None or found.due_at is None else opened + took <= found.due_at

    respond_took, recover_took = since(incident.acknowledged_at), since(incident.mitigated_at)
    respond_limit, respond_met = judged(ClockName.RESPOND, respond_took)
    recover_limit, recover_met = judged(ClockName.RECOVER, recover_took)
    customers = [one for one in told if one.audience is Audience.CUSTOMERS and one.published_at]
    first_word = min((one.published_at for one in customers if one.published_at), default=None)
    first_notice = min(customers, key=lambda one: one.id, default=None)
    is_on_time = None if first_notice is None else not first_notice.body.get("late_s")
    detect = opened - began if began is not None else None
    return (
        Measure(
            name=Text(ja="異常の始まりから検知まで", en="From the first symptom to detection"), took=detect
        ),
        Measure(
            name=Text(ja="最初の呼び出しまで", en="To the first page"),
            took=since(first(Kind.ESCALATION, outcome="paged")),
        ),
        Measure(
            name=Text(ja="対応開始まで", en="To the response"),
            took=respond_took,
            limit=respond_limit,
            is_met=respond_met,
        ),
        Measure(name=Text(ja="最初の診断まで", en="To the first triage"), took=since(first(Kind.TRIAGE))),
        Measure(
            name=Text(ja="顧客への第一報まで", en="To the first word to customers"),
            took=since(first_word),
            is_met=is_on_time,
        ),
        Measure(
            name=Text(ja="症状の解消まで", en="To the end of the symptom"),
            took=recover_took,
            limit=recover_limit,
            is_met=recover_met,
        ),
        Measure(name=Text(ja="解決まで", en="To the resolution"), took=since(incident.resolved_at)),
    )


# `Any`: JSON of triage.
def _causes(incident: Incident) -> tuple[CauseSeenThen, ...]:
    triage: Mapping[str, Any] = incident.body.get("triage") or {}
    return tuple(
        CauseSeenThen(
            title=Text(ja=one["title"]["ja"], en=one["title"]["en"]),
            verdict=str(one["verdict"]),
            is_first=one["id"] == triage.get("first_cause"),
            evidence=tuple(
                Text(
                    ja=f"{item['says']['ja']}(実際: {item.get('seen')})",
                    en=f"{item['says']['en']} (seen: {item.get('seen')})",
                )
                for item in one.get("predictions", ())
                if item.get("verdict") == one["verdict"]
            ),
        )
        for one in triage.get("causes", ())
        if one.get("verdict") in ("supported", "refuted")
    )
