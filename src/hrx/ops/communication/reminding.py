"""The rhythm kept: a word that is due is asked for, or said in bare facts inside; a late one is not lost.

Decisions run inside the transaction that ends their timer. One tick of one audience is one timer; what came
due while nothing ran is done once, late, and says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.communication.leaks import has_errors
from hrx.ops.communication.notices import draft_within, lint_within
from hrx.ops.communication.people import audience_url, list_speakers, tell
from hrx.ops.communication.post_mortems import begin_if_needed
from hrx.ops.communication.rhythm import Due, list_dues
from hrx.ops.communication.speaking import CADENCE, publish_within
from hrx.ops.ledger.communications import Audience, NoticeState, find_maintenance, list_notices
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.incidents import Incident, find_incident
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import Timer, cancel_timers, find_timer, set_timer
from hrx.ops.run.plane import Plane

ACTOR: Final = "communication"
#: A tick that we take up later than this was missed by us, not by people.
_ON_TIME: Final = timedelta(seconds=60)


def keep_rhythm(plane: Plane, connection: Connection, timer: Timer) -> None:
    """Set the ticks of an incident anew, or do one."""
    incident = find_incident(connection, int(timer.subject.removeprefix("incident:")))
    if incident is None:
        return
    if not timer.name:
        begin_if_needed(plane, connection, incident)
    work = find_maintenance(connection, part=incident.part, at=clock.now())
    if work is not None and work.ends_at is not None and not incident.is_security:
        # Readers were told of it before it began; what outlives the window is told then.
        set_timer(connection, kind=CADENCE, subject=incident.subject, due_at=work.ends_at)
        return
    dues = {one.audience.value: one for one in list_dues(plane, connection, incident)}
    if not timer.name:
        _set_ticks(plane, connection, incident, dues)
    elif timer.name in dues:
        _do_tick(plane, connection, incident, dues[timer.name], timer)


def _set_ticks(plane: Plane, connection: Connection, incident: Incident, dues: dict[str, Due]) -> None:
    known = {name: find_timer(connection, kind=CADENCE, subject=incident.subject, name=name) for name in dues}
    cancel_timers(connection, subject=incident.subject, kind=CADENCE)
    for name, due in dues.items():
        before = known[name]
        if before is not None and before.payload.get("due_at") == due.due_at.isoformat():
            # Still the same word: those who were reminded are not reminded from the start.
            _set_tick(connection, incident, due, at=before.due_at, asked=int(before.payload["asked"]))
        else:
            _set_tick(connection, incident, due, at=_first_look(plane, due), asked=0)


def _first_look(plane: Plane, due: Due) -> datetime:
    """Customers' words are laid ready before they are due, at half of a short wait."""
    if due.audience is Audience.INTERNAL:
        return due.due_at
    return due.due_at - min(plane.content.communication.remind_ahead, due.every.first / 2)


def _set_tick(connection: Connection, incident: Incident, due: Due, *, at: datetime, asked: int) -> None:
    set_timer(
        connection,
        kind=CADENCE,
        subject=incident.subject,
        name=due.audience.value,
        due_at=at,
        payload={"due_at": due.due_at.isoformat(), "asked": asked},
    )


def _do_tick(plane: Plane, connection: Connection, incident: Incident, due: Due, timer: Timer) -> None:
    if timer.payload.get("due_at") != due.due_at.isoformat():
        # Somebody has spoken meanwhile, or the incident was judged anew.
        _set_tick(connection, incident, due, at=_first_look(plane, due), asked=0)
    elif due.audience is Audience.INTERNAL:
        _say_facts(plane, connection, incident)
    else:
        _ask(plane, connection, incident, due, timer)


def _say_facts(plane: Plane, connection: Connection, incident: Incident) -> None:
    """Nobody has spoken inside: the ledger speaks, and says when it is late."""
    notice = draft_within(plane, connection, incident, audience=Audience.INTERNAL, actor=ACTOR)
    publish_within(plane, connection, notice, actor=ACTOR, leaks=lint_within(plane, connection, notice))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """One reminder: how late the word is, and how late the reminder itself."""

    due: Due
    asked: int
    now: datetime
    own_delay: timedelta

    @property
    def late(self) -> timedelta:
        return max(timedelta(0), self.now - self.due.due_at)

    @property
    def missed(self) -> int:
        """Ticks that have passed besides this one, because nothing ran."""
        return int(self.late // self.due.every.every) if self.own_delay > _ON_TIME else 0


def _ask(plane: Plane, connection: Connection, incident: Incident, due: Due, timer: Timer) -> None:
    """Lay words ready and ask people to publish them; more people each time."""
    now = clock.now()
    asking = _Asking(
        due=due, asked=int(timer.payload["asked"]), now=now, own_delay=max(timedelta(0), now - timer.due_at)
    )
    open_drafts = list_notices(
        connection, incident_id=incident.id, states=(NoticeState.DRAFT,), audience=due.audience
    )
    # What a person has begun to write is theirs; only what we wrote is written anew.
    if not any(one.made_by != ACTOR or len(one.body.get("authors", [])) > 1 for one in open_drafts):
        draft_within(plane, connection, incident, audience=due.audience, kind=due.kind, actor=ACTOR)
    # Late from the start: the first reminder is as loud as one that was not heeded.
    urgency = max(asking.asked, 1 if asking.late > _ON_TIME else 0)
    message = _say_reminder(plane, connection, incident, asking)
    people = list_speakers(plane, incident, urgency=urgency)
    tell(
        plane,
        connection,
        people=people,
        key=f"word-due:{incident.id}:{due.audience}:{due.due_at.timestamp():.0f}:{asking.asked}",
        purpose="reminder",
        message={
            **message,
            "url_path": audience_url(incident, due.audience),
            "incident_id": incident.id,
            "severity": int(incident.severity),
            "thread": incident.subject,
        },
        incident_id=incident.id,
        also_place=urgency > 0,
    )
    plane.ledger.append_within(
        connection,
        Kind.COMMUNICATION,
        actor=ACTOR,
        subject=incident.subject,
        body={
            "change": "word_due",
            "audience": due.audience.value,
            "notice_kind": due.kind.value,
            "due_at": due.due_at.isoformat(),
            "late_s": round(asking.late.total_seconds()),
            "reminder_late_s": round(asking.own_delay.total_seconds()),
            "missed_ticks": asking.missed,
            "asked": [one.id for one in people],
            "message": message["title"],
        },
    )
    rules = plane.content.communication
    again = due.due_at if now < due.due_at else now + rules.remind_again
    _set_tick(connection, incident, due, at=again, asked=asking.asked + 1)


def _say_reminder(
    plane: Plane, connection: Connection, incident: Incident, asking: _Asking
) -> dict[str, object]:
    due = asking.due
    minutes = round((due.due_at - asking.now).total_seconds() / 60)
    if minutes > 0:
        title = Text(
            ja=f"あと {minutes} 分で顧客への連絡の時刻です(INC-{incident.id})",
            en=f"Customers are due a word in {minutes} min (INC-{incident.id})",
        )
    elif minutes == 0:
        title = Text(
            ja=f"顧客への連絡の時刻です(INC-{incident.id})",
            en=f"Customers are due a word now (INC-{incident.id})",
        )
    else:
        title = Text(
            ja=f"顧客への連絡が {-minutes} 分遅れています(INC-{incident.id})",
            en=f"Word to customers is {-minutes} min late (INC-{incident.id})",
        )
    lines = [incident.title]
    if due.is_promised:
        lines.append(Text(ja="この時刻は顧客に約束しました。", en="Customers were promised this time."))
    if asking.own_delay > _ON_TIME:
        own = round(asking.own_delay.total_seconds() / 60)
        more = asking.missed
        more_ja, more_en = (
            (f"その間に {more} 回分が過ぎました。", f" {more} more passed meanwhile.") if more else ("", "")
        )
        lines.append(
            Text(
                ja=f"運用コンソールが止まっていたため、この知らせは {own} 分遅れました。{more_ja}",
                en=f"Operations was not running, so this reminder is {own} min late.{more_en}",
            )
        )
    draft = next(
        iter(
            list_notices(
                connection, incident_id=incident.id, states=(NoticeState.DRAFT,), audience=due.audience
            )
        ),
        None,
    )
    if draft is not None:
        is_clean = not has_errors(lint_within(plane, connection, draft))
        state_ja, state_en = (
            ("そのまま公開できます", "can go out as it is")
            if is_clean
            else ("直す所があります", "has to be corrected")
        )
        lines.append(
            Text(
                ja=f"下書き {draft.id} を用意しました。{state_ja}。読んで公開してください。",
                en=f"Draft {draft.id} is ready and {state_en}. Please read and publish it.",
            )
        )
    return {
        "title": {"ja": title.ja, "en": title.en},
        "lines": [{"ja": line.ja, "en": line.en} for line in lines],
    }
