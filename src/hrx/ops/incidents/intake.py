"""The one door for signals: whoever noticed something, it comes in here and becomes part of an incident.

One call is one write transaction: every statement is a row, every condition knows its last state, and what
changed about incidents is in the ledger; or nothing of it is, and whoever told has to tell again. Telling
twice changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hrx.ops.incidents.gathering import Gathering
from hrx.ops.ledger.drills import DrillTime, find_drill_time
from hrx.ops.ledger.signals import (
    Condition,
    add_signals,
    digest_of,
    find_conditions,
    find_known,
    is_trace,
    key_of,
    put_conditions,
    voice_of,
)
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.tables import to_moment
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Signal, SignalSource, SignalState


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of signals. `new` counts those that were not on record already."""

    received: int
    new: int
    opened: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()


def take_signals(plane: Plane, signals: Sequence[Signal]) -> TakenIn:
    """Put signals on record and let them open, join or heal incidents.

    Costs one read when all are known already. Raises Unavailable when the ledger cannot be written; nothing
    was taken in then, and the same signals may be told again."""
    told = {digest_of(one): one for one in signals}
    with plane.ledger.store.read() as connection:
        known = find_known(connection, list(told))
    if len(known) == len(told):
        return TakenIn(received=len(signals), new=0)
    with plane.ledger.store.write() as connection:
        # Asked again under the write lock: somebody may have told the same meanwhile.
        known = find_known(connection, list(told))
        fresh = [(digest, one) for digest, one in told.items() if digest not in known]
        gathering = _take(plane, connection, fresh)
    return TakenIn(received=len(signals), new=len(fresh), opened=gathering.opened, changed=gathering.changed)


def _take(plane: Plane, connection: Connection, fresh: Sequence[tuple[str, Signal]]) -> Gathering:
    keys = list({key_of(one) for _, one in fresh})
    before = find_conditions(connection, keys)
    drill = find_drill_time(connection)
    after = dict(before)
    begun: set[str] = set()
    #: Of what holds already: whether more was said, and whether that is worse.
    more: dict[str, bool] = {}
    for _, one in fresh:
        key = key_of(one)
        former = after.get(key)
        heard = _hear(former, one, is_drill=_is_drill(one, drill))
        # A budget that drills burn is on record, is of no incident, and calls nobody for hours.
        is_drilled = is_trace(key) and bool(heard.body.get("is_drill"))
        after[key] = replace(heard, incident_id=None) if is_drilled else heard
        if is_drilled:
            begun.discard(key)
            continue
        if heard.is_firing and (former is None or not former.is_firing):
            begun.add(key)
        elif former is not None and former.is_firing and heard.is_firing:
            is_worse = _is_worse(heard, former)
            if is_worse or _is_told_by_more(heard, former):
                more[key] = more.get(key, False) or is_worse
    gathering = Gathering(plane, connection, signals=[one for _, one in fresh])
    for key in gathering.in_order([after[key] for key in begun]):
        gathering.take(after[key])
    for key in sorted(set(more) - begun):
        gathering.tell_more(after[key], is_worse=more[key])
    homes = gathering.settle_homes(after)
    changed = [replace(found, incident_id=homes.get(key)) for key, found in after.items()]
    put_conditions(connection, changed, known=set(before))
    add_signals(connection, fresh, incidents=homes)
    gathering.finish(changed, begun=begun | set(more))
    return gathering


def _is_worse(heard: Condition, former: Condition) -> bool:
    if heard.severity is None:
        return False
    return former.severity is None or heard.severity < former.severity


def _is_told_by_more(heard: Condition, former: Condition) -> bool:
    """Whether another rule tells of the same budget now."""
    return not set(heard.body.get("told_by", {}).values()) <= set(former.body.get("told_by", {}).values())


def _hear(former: Condition | None, one: Signal, *, is_drill: bool) -> Condition:
    """The condition after one more statement. It holds as long as anybody says so."""
    voice, at = voice_of(one), to_moment(one.started_at)
    voices = dict(former.body.get("voices", {})) if former else {}
    told_by = dict(former.body.get("told_by", {})) if former else {}
    if one.state is SignalState.FIRING:
        voices[voice] = at
        if is_trace(one.key):
            told_by[voice] = one.name
    # An old "it is over" that arrives late does not end what began after it.
    elif voices.get(voice, "") <= at:
        voices.pop(voice, None)
    told_by = {name: alert for name, alert in told_by.items() if name in voices}
    more = {"voices": voices, **({"told_by": told_by} if is_trace(one.key) else {})}
    state = SignalState.FIRING if voices else SignalState.RESOLVED
    # What began in a drill may begin again in earnest.
    begins = one.state is SignalState.FIRING and (former is None or not former.is_firing)
    if former is None:
        return Condition(
            key=key_of(one),
            state=state,
            name=one.name,
            part=one.part or None,
            severity=one.severity,
            source=one.source,
            incident_id=None,
            first_at=one.started_at,
            last_at=one.started_at,
            signals=1,
            body={**_words_of(one, is_drill=is_drill), **more},
        )
    # While it lasts the worst word counts; when it begins again, the new one.
    heard = [one.severity, former.severity if former.is_firing else None]
    worst = min((severity for severity in heard if severity is not None), default=former.severity)
    return replace(
        former,
        state=state,
        source=one.source if begins else former.source,
        name=one.name if begins else former.name,
        part=(one.part or None) if begins else former.part,
        severity=worst if one.state is SignalState.FIRING else former.severity,
        last_at=max(former.last_at, one.started_at),
        signals=former.signals + 1,
        body={**former.body, **(_words_of(one, is_drill=is_drill) if begins else {}), **more},
    )


def _words_of(one: Signal, *, is_drill: bool) -> dict[str, object]:
    """What is kept of the statement that begins it: when it begins again, its figures are new."""
    return {
        "summary": {"ja": one.summary.ja, "en": one.summary.en},
        "sop": one.sop,
        "is_security": one.is_security,
        "is_drill": is_drill,
        "labels": dict(list(one.labels.items())[:20]),
    }


def _is_drill(one: Signal, drill: DrillTime) -> bool:
    """Looks and probes see what is now; only rules speak of what was a minute ago."""
    is_echo = drill.is_echoing and one.source is SignalSource.ALERTMANAGER
    says_so = one.labels.get("drill") is not None or one.source is SignalSource.DRILL
    return drill.is_running or is_echo or says_so
