"""What will be done so that it does not happen again: somebody's, until a day, until it is done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid, Text
from hrx.ops.communication.people import find_person, tell
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.incidents import get_within
from hrx.ops.ledger.post_mortems import ActionItem, ActionState, add_action, get_action, save_action
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import Timer, cancel_timers, set_timer
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.plane import Plane

ACTION_DUE: Final = "communication.action_due"
ACTOR: Final = "communication"
#: An overdue action is asked for once a week.
_AGAIN: Final = timedelta(days=7)
_TITLE_CHARS: Final = 300


def add(plane: Plane, incident_id: int, *, title: str, owner: str, due_on: date, actor: Actor) -> ActionItem:
    """Promise something: what, who (a contact or operator), until which day. Its owner is told."""
    require(actor, Permission.PLAN_AND_RUN)
    said, name = " ".join(title.split()), owner.strip()
    if not said or len(said) > _TITLE_CHARS or not name:
        raise Invalid(
            Text(
                ja="何をするか(300 文字以内)と担当者を書いてください",
                en="Say what will be done (300 characters at most) and by whom",
            ),
            code="post_mortem.bad_action",
        )
    if due_on < _today(plane):
        raise Invalid(Text(ja="期限が過去です", en="That day is over"), code="post_mortem.past_day")
    with plane.ledger.store.write() as connection:
        get_within(connection, incident_id)
        made = add_action(
            connection,
            ActionItem(
                id=0,
                incident_id=incident_id,
                title=said,
                owner=name,
                due_on=due_on,
                state=ActionState.OPEN,
                made_at=clock.now(),
                made_by=actor.name,
            ),
        )
        _set_timer(plane, connection, made)
        _tell_owner(plane, connection, made, key="made", title=_say(made, "made"))
        _record(plane, connection, made, actor=actor.name, change="action_added", says=_say(made, "made"))
    return made


def finish(plane: Plane, action_id: int, *, outcome: str, actor: Actor) -> ActionItem:
    """It is done; `outcome` says what there is now."""
    return _end(plane, action_id, state=ActionState.DONE, outcome=outcome, actor=actor)


def drop(plane: Plane, action_id: int, *, outcome: str, actor: Actor) -> ActionItem:
    """It will not be done; `outcome` says why."""
    return _end(plane, action_id, state=ActionState.DROPPED, outcome=outcome, actor=actor)


def move(plane: Plane, action_id: int, *, owner: str, due_on: date, actor: Actor) -> ActionItem:
    """Somebody else's, or until another day."""
    require(actor, Permission.PLAN_AND_RUN)
    with plane.ledger.store.write() as connection:
        found = _get_open(connection, action_id)
        moved = save_action(connection, replace(found, owner=owner.strip() or found.owner, due_on=due_on))
        _set_timer(plane, connection, moved)
        _record(plane, connection, moved, actor=actor.name, change="action_moved", says=_say(moved, "moved"))
    return moved


def remind(plane: Plane, connection: Connection, timer: Timer) -> None:
    """The decision of an action's timer: its owner is asked, before the day and every week after it."""
    found = get_action(connection, int(timer.subject.removeprefix("action:")))
    if found.state is not ActionState.OPEN:
        return
    today = _today(plane)
    word = "overdue" if found.is_overdue(today) else "due"
    says = _say(found, word, days=abs((found.due_on - today).days))
    _tell_owner(plane, connection, found, key=f"{word}:{today.isoformat()}", title=says)
    _record(plane, connection, found, actor=ACTOR, change=f"action_{word}", says=says)
    _set_timer(plane, connection, found)


def _end(plane: Plane, action_id: int, *, state: ActionState, outcome: str, actor: Actor) -> ActionItem:
    require(actor, Permission.PLAN_AND_RUN)
    if not outcome.strip() or len(outcome) > _TITLE_CHARS:
        raise Invalid(
            Text(
                ja="結果か理由を 300 文字以内で書いてください",
                en="Say what came of it or why not, in 300 characters at most",
            ),
            code="post_mortem.no_outcome",
        )
    with plane.ledger.store.write() as connection:
        found = _get_open(connection, action_id)
        ended = replace(found, state=state, done_at=clock.now(), done_by=actor.name, outcome=outcome.strip())
        save_action(connection, ended)
        cancel_timers(connection, subject=found.subject)
        _record(
            plane,
            connection,
            ended,
            actor=actor.name,
            change=f"action_{state.value}",
            says=_say(ended, state.value),
        )
    return ended


def _set_timer(plane: Plane, connection: Connection, found: ActionItem) -> None:
    """The next reminder: a few days before, on the day, and then every week."""
    now = clock.now()
    opens = plane.content.respond.calendar
    moments = [
        _at(found.due_on - timedelta(days=days), opens.opens, plane)
        for days in plane.content.communication.post_mortem.remind_action_days
    ]
    late = _at(found.due_on + timedelta(days=1), opens.opens, plane)
    while late <= now:
        late += _AGAIN
    at = min([one for one in moments if one > now], default=late)
    set_timer(connection, kind=ACTION_DUE, subject=found.subject, due_at=at)


def _at(day: date, time_of_day: time, plane: Plane) -> datetime:
    return datetime.combine(day, time_of_day, tzinfo=plane.content.respond.calendar.zone).astimezone(UTC)


def _today(plane: Plane) -> date:
    return clock.now().astimezone(plane.content.respond.calendar.zone).date()


def _get_open(connection: Connection, action_id: int) -> ActionItem:
    found = get_action(connection, action_id)
    if found.state is not ActionState.OPEN:
        raise Conflict(
            Text(ja="この再発防止策はもう終わっています", en="This action is over already"),
            hint=Text(ja="新しく加えてください。", en="Add a new one."),
            code="post_mortem.action_over",
        )
    return found


def _tell_owner(plane: Plane, connection: Connection, found: ActionItem, *, key: str, title: Text) -> None:
    owner = find_person(plane, found.owner)
    tell(
        plane,
        connection,
        people=[owner] if owner else [],
        key=f"action:{found.id}:{key}",
        purpose="reminder",
        message={
            "title": {"ja": title.ja, "en": title.en},
            "lines": [],
            "url_path": f"/incidents/{found.incident_id}/post-mortem",
            "incident_id": found.incident_id,
            "thread": f"incident:{found.incident_id}",
        },
        incident_id=found.incident_id,
        # Nobody by that name can be told: the place is.
        also_place=owner is None,
    )


def _record(
    plane: Plane, connection: Connection, found: ActionItem, *, actor: str, change: str, says: Text
) -> None:
    plane.ledger.append_within(
        connection,
        Kind.COMMUNICATION,
        actor=actor,
        subject=f"incident:{found.incident_id}",
        body={
            "change": change,
            "action": found.id,
            "owner": found.owner,
            "due_on": found.due_on.isoformat(),
            "message": {"ja": says.ja, "en": says.en},
        },
    )


def _say(found: ActionItem, word: str, *, days: int = 0) -> Text:
    when_ja, when_en = f"{found.due_on.month}月{found.due_on.day}日まで", f"by {found.due_on:%-d %B}"
    said = {
        "made": (f"再発防止策({found.owner}、{when_ja})", f"Action for {found.owner} {when_en}"),
        "moved": (f"再発防止策を変更({found.owner}、{when_ja})", f"Action moved: {found.owner} {when_en}"),
        "due": (f"再発防止策の期限まで {days} 日", f"Action due in {days} d"),
        "overdue": (f"再発防止策が {days} 日遅れています", f"Action {days} d overdue"),
        "done": (f"再発防止策が完了({found.outcome})", f"Action done ({found.outcome})"),
        "dropped": (f"再発防止策を見送り({found.outcome})", f"Action dropped ({found.outcome})"),
    }[word]
    return Text(ja=f"{said[0]}: {found.title}", en=f"{said[1]}: {found.title}")
