"""How one firing of an alert came to be known: each stage with its moment, its seconds, and who says so.

Moments come from Prometheus, Alertmanager and the ledger, never from each other; what nobody recorded is
missing rather than guessed. What the configuration lets one expect stands beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from hrx.kit.errors import NotFound, Text
from hrx.ops import words
from hrx.ops.ledger.incidents import Incident, get_incident
from hrx.ops.ledger.notifications import (
    Notification,
    NotificationState,
    list_attempts,
    list_notifications,
)
from hrx.ops.ledger.signals import SignalRow, find_first_told, find_last_told, list_voices
from hrx.ops.observe.rules.inputs import Need, inputs_of
from hrx.ops.observe.rules.simulating import SEND_S, scrape_of
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.watch.rules import AlertRule
from hrx.ops.seams.looking import LookFailed
from hrx.ops.seams.metrics import Sample, query
from hrx.ops.signal import SignalSource

#: How long after the firing its first notice may still be about this firing.
_PAGE_WITHIN: Final = timedelta(minutes=15)
#: Somebody quicker than the rule may have told, and had people paged, so much before its sample.
_NEAR: Final = timedelta(seconds=30)


class StageName(StrEnum):
    """From a sample to a person, in this order."""

    SAMPLE = "sample"
    PENDING = "pending"
    FIRING = "firing"
    GROUPED = "grouped"
    TOLD = "told"
    INCIDENT = "incident"
    SENT = "sent"
    DELIVERED = "delivered"
    SEEN = "seen"


_BEGINNING: Final = (StageName.SAMPLE, StageName.PENDING, StageName.FIRING, StageName.TOLD)


class Origin(StrEnum):
    """Who says when."""

    PROMETHEUS = "prometheus"
    ALERTMANAGER = "alertmanager"
    CONFIG = "config"
    LEDGER = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage. `took_s` is since the stage before that is known (below zero: it came earlier, by somebody
    quicker); `expected_s` what the configuration lets one expect at most, None where it says nothing."""

    name: StageName
    at: datetime | None
    took_s: float | None
    expected_s: float | None
    origin: Origin
    says: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One firing. `rule` is None when no rule told of the incident; `first` is who told of it first."""

    rule: AlertRule | None
    incident: Incident | None
    first: SignalRow | None
    stages: tuple[Stage, ...]
    #: Everybody who told of the incident, each condition of each source once, in order.
    voices: tuple[SignalRow, ...] = ()

    def find(self, name: StageName) -> datetime | None:
        """When this stage was; None when nobody knows."""
        return next((one.at for one in self.stages if one.name is name), None)

    @property
    def total_s(self) -> float | None:
        """From the first known moment of the fault to the first page that arrived."""
        begun = [at for name in _BEGINNING if (at := self.find(name)) is not None]
        # Somebody may have been quicker than the rule's sample.
        begun += [self.first.received_at] if self.first is not None else []
        delivered = self.find(StageName.DELIVERED)
        return (delivered - min(begun)).total_seconds() if begun and delivered is not None else None


def explain_rule(plane: Plane, rule: AlertRule) -> Timing | None:
    """The last firing of this rule that Alertmanager told; None when there was none."""
    told = find_last_told(plane.ledger.store, source=SignalSource.ALERTMANAGER, name=rule.name)
    return _explain(plane, rule, told, incident_id=told.incident_id) if told is not None else None


def explain_incident(plane: Plane, incident_id: int) -> Timing:
    """How this incident came to be known: by its first alert, else by whoever told of it. Raises NotFound."""
    store = plane.ledger.store
    get_incident(store, incident_id)
    told = find_first_told(store, incident_id=incident_id, source=SignalSource.ALERTMANAGER)
    rules = {rule.name: rule for rule in plane.content.watch.rules}
    rule = rules.get(told.name) if told is not None else None
    return _explain(plane, rule, told if rule else None, incident_id=incident_id)


def _explain(
    plane: Plane, rule: AlertRule | None, told: SignalRow | None, *, incident_id: int | None
) -> Timing:
    store = plane.ledger.store
    incident = _find(plane, incident_id)
    stages = _of_rule(plane, rule, told) if rule is not None and told is not None else []
    begun = min((one.at for one in stages if one.at is not None), default=None)
    voices: tuple[SignalRow, ...] = ()
    if incident is not None:
        # What was told long before, in the same incident, was about another moment of it.
        since = (begun or incident.opened_at) - _NEAR
        voices = tuple(list_voices(store, incident_id=incident.id, since=since))
        if not stages and voices:
            stages.append(_stage(StageName.TOLD, voices[0].received_at, Origin.LEDGER, says=_who(voices[0])))
        joined_at = told.received_at if told is not None else None
        stages += _of_incident(plane, incident, begun=begun or incident.opened_at, joined_at=joined_at)
    return Timing(
        rule=rule,
        incident=incident,
        first=voices[0] if voices else None,
        stages=_measured(stages),
        voices=voices,
    )


def _find(plane: Plane, incident_id: int | None) -> Incident | None:
    if incident_id is None:
        return None
    try:
        return get_incident(plane.ledger.store, incident_id)
    except NotFound:
        return None


def _of_rule(plane: Plane, rule: AlertRule, told: SignalRow) -> list[Stage]:
    routes = plane.content.watch.routes
    pending_at = _pending_at(plane, rule, told)
    sample_at = _sample_at(plane, rule, pending_at) if pending_at is not None else None
    wait = Text(
        ja=f"まとめ待ち 0 秒。すでに鳴っている同じ組に加わるときは最長 {routes.group_interval_s} 秒",
        en=f"Waits 0 s to group; up to {routes.group_interval_s} s when it joins a group that fires already",
    )
    counted = Text(
        ja=f"条件が {rule.for_s} 秒続くのを待つ(for)" if rule.for_s else "for はない",
        en=f"Must hold for {rule.for_s} s (for)" if rule.for_s else "There is no for",
    )
    return [
        _stage(
            StageName.SAMPLE,
            sample_at,
            Origin.PROMETHEUS,
            says=Text(ja="判定に使われたいちばん新しい標本", en="The newest sample that the judgement used"),
        ),
        _stage(
            StageName.PENDING,
            pending_at,
            Origin.PROMETHEUS,
            expected_s=scrape_of(rule, plane.content.watch.slos) + rule.every_s,
            says=Text(
                ja=f"{rule.every_s} 秒ごとの判定で条件が初めて成り立った",
                en=f"The condition held for the first time at a judgement every {rule.every_s} s",
            ),
        ),
        _stage(
            StageName.FIRING,
            told.started_at,
            Origin.ALERTMANAGER,
            expected_s=float(rule.for_s + (rule.every_s if rule.for_s else 0)),
            says=counted,
        ),
        _stage(StageName.GROUPED, told.started_at, Origin.CONFIG, expected_s=0.0, says=wait),
        _stage(
            StageName.TOLD,
            told.received_at,
            Origin.LEDGER,
            expected_s=SEND_S,
            says=Text(ja="コンソールが受け取り、台帳に書いた", en="The console took it in, on record"),
        ),
    ]


def _pending_at(plane: Plane, rule: AlertRule, told: SignalRow) -> datetime | None:
    """When the condition began to hold, as Prometheus keeps it in ALERTS_FOR_STATE."""
    at = told.started_at + timedelta(seconds=max(rule.every_s, 1))
    found = _ask(plane, f'ALERTS_FOR_STATE{{alertname="{rule.name}"}}', at=at)
    labels = told.body.get("labels", {})
    fitting = [
        one
        for one in found
        if all(labels.get(name) == value for name, value in one.labels.items() if name in labels)
    ]
    begun = [datetime.fromtimestamp(one.value, tz=UTC) for one in fitting if one.value > 0]
    begun = [one for one in begun if one <= told.started_at + timedelta(seconds=1)]
    return max(begun, default=None)


def _sample_at(plane: Plane, rule: AlertRule, at: datetime) -> datetime | None:
    selectors = [
        one.selector for one in inputs_of(rule, plane.content.watch.slos) if one.need is not Need.ABSENCE
    ]
    found = [one.value for selector in selectors for one in _ask(plane, f"max(timestamp({selector}))", at=at)]
    return datetime.fromtimestamp(max(found), tz=UTC) if found else None


def _ask(plane: Plane, promql: str, *, at: datetime) -> Sequence[Sample]:
    try:
        return query(plane.http, plane.settings.prometheus_url.rstrip("/"), promql, at=at)
    except LookFailed:
        return ()


def _of_incident(
    plane: Plane, incident: Incident, *, begun: datetime, joined_at: datetime | None
) -> list[Stage]:
    store = plane.ledger.store
    found = [one for one in list_notifications(store, incident_id=incident.id, limit=500) if one.is_page]
    # Pages from before were about something else in this incident.
    pages = [one for one in found if begun - _NEAR <= one.created_at <= begun + _PAGE_WITHIN]
    sent = _first(pages, lambda one: min((each.at for each in list_attempts(store, one.id)), default=None))
    delivered = _first(
        [one for one in pages if one.state is NotificationState.DELIVERED], lambda one: one.settled_at
    )
    return [
        _opening(incident, begun=begun, joined_at=joined_at),
        _stage(StageName.SENT, sent[1], Origin.LEDGER, says=_through(plane, sent[0])),
        _stage(StageName.DELIVERED, delivered[1], Origin.LEDGER, says=_through(plane, delivered[0])),
        _stage(
            StageName.SEEN,
            incident.acknowledged_at,
            Origin.LEDGER,
            says=_taken(incident),
        ),
    ]


def _taken(incident: Incident) -> Text | None:
    if not incident.acknowledged_by:
        return None
    who = words.find_actor(incident.acknowledged_by)
    return Text(ja=f"{who.ja}が引き受けた", en=f"{who.en} took it")


def _opening(incident: Incident, *, begun: datetime, joined_at: datetime | None) -> Stage:
    """When it became an incident; one that was open already is joined when the alert is taken in."""
    number = incident.id
    if joined_at is None or incident.opened_at >= begun - _NEAR:
        says = Text(ja=f"障害 {number} が始まった", en=f"Incident {number} opened")
        return _stage(StageName.INCIDENT, incident.opened_at, Origin.LEDGER, says=says)
    since = f"{incident.opened_at.astimezone():%m-%d %H:%M}"
    says = Text(
        ja=f"{since} に始まっていた障害 {number} に加わった",
        en=f"Joined incident {number}, open since {since}",
    )
    return _stage(StageName.INCIDENT, joined_at, Origin.LEDGER, says=says)


def _first(
    pages: Sequence[Notification], moment: Callable[[Notification], datetime | None]
) -> tuple[Notification | None, datetime | None]:
    known = [(at, one) for one in pages if (at := moment(one)) is not None]
    if not known:
        return None, None
    at, one = min(known, key=lambda each: each[0])
    return one, at


def _through(plane: Plane, one: Notification | None) -> Text | None:
    if one is None:
        return None
    channel, person = words.find("channel", one.channel), plane.content.contacts.find(one.recipient)
    whom = person.name if person else Text(ja=one.recipient, en=one.recipient)
    return Text(ja=f"{channel.ja}で{whom.ja}へ", en=f"By {channel.en} to {whom.en}")


def _who(first: SignalRow) -> Text:
    source = words.find("source", first.source.value)
    return Text(ja=f"{source.ja}が {first.key} を知らせた", en=f"{source.en} told {first.key}")


def _stage(
    name: StageName,
    at: datetime | None,
    origin: Origin,
    *,
    expected_s: float | None = None,
    says: Text | None = None,
) -> Stage:
    return Stage(name=name, at=at, took_s=None, expected_s=expected_s, origin=origin, says=says)


def _measured(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    found: list[Stage] = []
    last: datetime | None = None
    for one in stages:
        took_s = (one.at - last).total_seconds() if one.at is not None and last is not None else None
        found.append(replace(one, took_s=round(took_s, 1) if took_s is not None else None))
        last = one.at or last
    return tuple(found)
