"""What the public status page says, made from the ledger: states of features, and words that were published.

States come from incidents at once, without anybody's words; words come only from notices that a person
published. Nothing here names a part. Drills are never told; breaches only in words that were published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.communication.subscriptions import is_open
from hrx.ops.ledger.communications import Audience, Notice, NoticeKind, NoticeState, list_notices
from hrx.ops.ledger.incidents import (
    Incident,
    IncidentState,
    find_incident,
    find_root,
    list_absorbed,
    list_unresolved,
)
from hrx.ops.ledger.store import Connection
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.communication import Feature
from hrx.ops.signal import Severity

_HISTORY: Final = timedelta(days=90)
_UPCOMING: Final = timedelta(days=30)


class FeatureState(StrEnum):
    """How a feature works, from best to worst."""

    OPERATIONAL = "operational"
    MAINTENANCE = "maintenance"
    RECOVERING = "recovering"
    DEGRADED = "degraded"
    OUTAGE = "outage"


_ORDER: Final = tuple(FeatureState)
STATE_WORDS: Final[Mapping[str, Text]] = {
    "operational": Text(ja="正常", en="Operational"),
    "maintenance": Text(ja="メンテナンス中", en="Under maintenance"),
    "recovering": Text(ja="回復を確認中", en="Recovering"),
    "degraded": Text(ja="遅い・一部使えない", en="Degraded"),
    "outage": Text(ja="停止", en="Outage"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A feature and how an incident leaves it."""

    feature: Feature
    state: FeatureState


def list_affected(plane: Plane, incident: Incident) -> tuple[Affected, ...]:
    """What customers lose by an incident, judged by its part; empty when they notice nothing by rule.

    Only severities 1 and 2: what hits few people is told to them, not to everybody."""
    service = service_of(plane, incident.part)
    if service is None or incident.severity > Severity.MAJOR:
        return ()
    found = []
    for feature in plane.content.communication.features:
        if service in feature.stops_with:
            worst = FeatureState.OUTAGE if incident.severity is Severity.CRITICAL else FeatureState.DEGRADED
        elif service in feature.slows_with:
            worst = FeatureState.DEGRADED
        else:
            continue
        is_gone = incident.state is IncidentState.MITIGATED
        found.append(Affected(feature=feature, state=FeatureState.RECOVERING if is_gone else worst))
    return tuple(found)


def list_losses(plane: Plane, connection: Connection, incident: Incident) -> tuple[Affected, ...]:
    """The same with what came in by incidents that became part of this one; it is over when this one is."""
    found = list(list_affected(plane, incident))
    for number in list_absorbed(connection, incident.id):
        absorbed = find_incident(connection, number)
        if absorbed is not None:
            found += list_affected(plane, replace(absorbed, state=incident.state))
    worst: dict[str, Affected] = {}
    for one in found:
        known = worst.get(one.feature.id)
        if known is None or _ORDER.index(one.state) > _ORDER.index(known.state):
            worst[one.feature.id] = one
    return tuple(worst.values())


def service_of(plane: Plane, name: str | None) -> str | None:
    """The service that a part or one of its aliases belongs to; None for what is no part."""
    if name is None:
        return None
    name = plane.content.respond.grouping.aliases.get(name, name)
    return next((part.service for part in plane.content.parts if name in (part.name, part.service)), None)


# `Any`: the document is JSON.
def build_document(plane: Plane, connection: Connection, *, also: Sequence[Notice] = ()) -> dict[str, Any]:
    """The statement as of now, without the moment it is written: equal statements are equal documents.

    `also` are notices to show as if they were published, for a preview."""
    told = list_notices(connection, states=(NoticeState.PUBLISHED,), audience=Audience.CUSTOMERS)
    told = [*also, *told]
    unresolved = [one for one in list_unresolved(connection) if not one.is_drill]
    maintenance = [one for one in told if one.kind is NoticeKind.MAINTENANCE]
    states = _judge_features(plane, connection, unresolved, maintenance)
    incidents = _list_incidents(plane, connection, unresolved, told)
    # A breach is no loss of a feature by itself; of anything else readers are not told that all is well.
    shown = {one["id"] for one in incidents}
    going_on = [
        FeatureState.RECOVERING if one.state is IncidentState.MITIGATED else FeatureState.DEGRADED
        for one in unresolved
        if f"INC-{one.id}" in shown and not one.is_security
    ]
    return {
        "schema": 1,
        "is_subscribable": is_open(plane),
        "overall": max([*states.values(), *going_on], key=_ORDER.index, default=_ORDER[0]).value,
        "features": [
            {"id": one.id, "title": _words(one.title), "state": states[one.id].value}
            for one in plane.content.communication.features
        ],
        "incidents": incidents,
        "maintenance": [_maintenance(one) for one in maintenance if _is_ahead(one)],
    }


def _judge_features(
    plane: Plane, connection: Connection, unresolved: Sequence[Incident], maintenance: Sequence[Notice]
) -> dict[str, FeatureState]:
    states = {one.id: FeatureState.OPERATIONAL for one in plane.content.communication.features}

    def worsen(feature_id: str, state: FeatureState) -> None:
        if feature_id in states and _ORDER.index(state) > _ORDER.index(states[feature_id]):
            states[feature_id] = state

    now = clock.now()
    for notice in maintenance:
        if notice.is_running(now):
            for feature_id in notice.body.get("features", []):
                worsen(str(feature_id), FeatureState.MAINTENANCE)
    for incident in unresolved:
        if is_expected(maintenance, incident):
            continue
        # That somebody is inside is told in words that a person chose, or not yet.
        for affected in () if incident.is_security else list_losses(plane, connection, incident):
            worsen(affected.feature.id, affected.state)
    return states


def _list_incidents(
    plane: Plane, connection: Connection, unresolved: Sequence[Incident], told: Sequence[Notice]
) -> list[dict[str, Any]]:
    since = clock.now() - _HISTORY
    shown = {one.id: one for one in unresolved if not is_expected(told, one)}
    words: dict[int, list[Notice]] = {}
    for notice in told:
        if notice.incident_id is None or notice.published_at is None or notice.published_at <= since:
            continue
        # What became part of another incident is over when that one is, and told with it.
        found = find_root(connection, notice.incident_id)
        if found is not None and not found.is_drill:
            shown[found.id] = found
            words.setdefault(found.id, []).append(notice)
    listed = []
    for incident_id, incident in sorted(shown.items(), reverse=True):
        updates = words.get(incident_id, [])
        affected = list_losses(plane, connection, incident)
        if updates or (affected and not incident.is_security):
            listed.append(_incident(incident, affected, updates))
    return listed


def _incident(incident: Incident, affected: Sequence[Affected], updates: Sequence[Notice]) -> dict[str, Any]:
    titles = [one.feature.title for one in affected]
    title = updates[0].title if updates and updates[0].title.ja else _title(titles)
    return {
        "id": f"INC-{incident.id}",
        # Under which it was told before: links of feeds and mails still lead here.
        "also": sorted({f"INC-{one.incident_id}" for one in updates if one.incident_id != incident.id}),
        "title": _words(title),
        "state": "resolved" if not incident.is_unresolved else incident.state.value,
        "features": [one.feature.id for one in affected],
        "started_at": incident.opened_at.isoformat(timespec="seconds"),
        "resolved_at": incident.resolved_at.isoformat(timespec="seconds") if incident.resolved_at else None,
        "updates": [
            {
                "id": one.id,
                "kind": one.kind.value,
                "at": one.published_at.isoformat(timespec="seconds") if one.published_at else None,
                "text": _words(one.text),
                "next_update_at": one.body.get("next_update_at"),
            }
            for one in updates
        ],
    }


def _title(titles: Sequence[Text]) -> Text:
    if not titles:
        return Text(ja="障害のお知らせ", en="Service incident")
    return Text(
        ja="、".join(one.ja for one in titles) + "の障害",
        en="Problem with " + ", ".join(one.en.lower() for one in titles),
    )


def is_expected(told: Sequence[Notice], incident: Incident) -> bool:
    """Whether announced work on that very part is under way: readers know already."""
    now = clock.now()
    return not incident.is_security and any(
        one.is_running(now) and incident.part in one.body.get("parts", ()) for one in told
    )


def _is_ahead(notice: Notice) -> bool:
    now = clock.now()
    if notice.is_cancelled:
        return notice.due_at is not None and now < notice.due_at < now + _UPCOMING
    return (
        notice.due_at is not None
        and notice.ends_at is not None
        and notice.ends_at > now
        and notice.due_at < now + _UPCOMING
    )


def _maintenance(notice: Notice) -> dict[str, Any]:
    return {
        "id": f"MNT-{notice.id}",
        "title": _words(notice.title),
        "text": _words(notice.text),
        "features": list(notice.body.get("features", [])),
        "state": _maintenance_state(notice),
        "revision": int(notice.body.get("revision", 0)),
        "published_at": notice.published_at.isoformat(timespec="seconds") if notice.published_at else None,
        "starts_at": notice.due_at.isoformat(timespec="seconds") if notice.due_at else None,
        "ends_at": notice.ends_at.isoformat(timespec="seconds") if notice.ends_at else None,
    }


def _maintenance_state(notice: Notice) -> str:
    if notice.is_cancelled:
        return "cancelled"
    return "running" if notice.is_running(clock.now()) else "planned"


def _words(text: Text) -> dict[str, str]:
    return {"ja": text.ja, "en": text.en}
