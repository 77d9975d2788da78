"""Planned work: announced in time, said again before it begins, ended early or extended, never forgotten.

While a window is open, pages about its very parts wait for its end; signals are recorded all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from hrx.kit import clock
from hrx.kit.errors import LANGUAGES, Conflict, Invalid, Language, Refused, Text
from hrx.ops.communication.drafting import Words, render_names
from hrx.ops.communication.leaks import has_errors
from hrx.ops.communication.notices import judge
from hrx.ops.communication.people import list_insiders, tell
from hrx.ops.communication.speaking import refuse_words
from hrx.ops.communication.subscriptions import tell_later
from hrx.ops.incidents.lifecycle import CADENCE, hasten_paging
from hrx.ops.ledger.communications import (
    Audience,
    Notice,
    NoticeKind,
    NoticeState,
    add_notice,
    get_notice,
    save_notice,
)
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.incidents import list_unresolved
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import Timer, cancel_timers, set_timer
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.looking import may_rest
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.messages import find_template
from hrx.ops.runbook.parts import get_part
from hrx.ops.schedules.business import business_time_between

MAINTENANCE: Final = "communication.maintenance"
ACTOR: Final = "communication"
_LONGEST: Final = timedelta(hours=24)
_FURTHEST: Final = timedelta(days=180)
_REASON_CHARS: Final = 500
_BEGIN: Final = "begin"
_END: Final = "end"


def plan(
    plane: Plane,
    *,
    parts: Sequence[str],
    starts_at: datetime,
    ends_at: datetime,
    said: Text,
    actor: Actor,
) -> Notice:
    """A draft of the announcement for work on these parts; `said` is its purpose in words for customers.

    Raises Invalid for a window in the past, too long or backwards, and NotFound for an unknown part."""
    require(actor, Permission.PLAN_AND_RUN)
    _check_window(starts_at, ends_at)
    named = tuple(dict.fromkeys(get_part(plane.content.parts, one).name for one in parts))
    if not named:
        raise Invalid(
            Text(ja="対象の部品を選んでください", en="Name the parts that the work is on"),
            code="maintenance.no_parts",
        )
    words, features = _write(plane, named, starts_at=starts_at, ends_at=ends_at, said=said)
    body = {
        "title": asdict(words.title),
        "text": asdict(words.text),
        "said_purpose": asdict(said),
        "parts": list(named),
        "features": list(features),
        "ends_at": ends_at.isoformat(),
        "planned_ends_at": ends_at.isoformat(),
        "revision": 0,
        "authors": [actor.name],
    }
    with plane.ledger.store.write() as connection:
        number = add_notice(
            connection,
            incident_id=None,
            audience=Audience.CUSTOMERS,
            kind=NoticeKind.MAINTENANCE,
            made_by=actor.name,
            body=body,
            due_at=starts_at,
        )
        return get_notice(connection, number)


def announce(plane: Plane, notice_id: int, *, actor: Actor, urgent: str = "") -> Notice:
    """Publish it and set its reminders. Raises Refused for leaks, and when it comes too late without a
    reason why it is urgent (`urgent`); that reason goes on record."""
    require(actor, Permission.PLAN_AND_RUN)
    with plane.ledger.store.write() as connection:
        found = _get(connection, notice_id, NoticeState.DRAFT)
        _check_window(found.due_at, found.ends_at)
        leaks = judge(
            plane, Words(title=found.title, text=found.text), audience=Audience.CUSTOMERS, facts=None
        )
        if has_errors(leaks):
            raise refuse_words(found, leaks)
        days = notice_days(plane, found)
        _require_notice(plane, days, urgent=urgent)
        body = {**found.body, "notice_business_days": round(days, 1), "urgent": urgent.strip() or None}
        save_notice(connection, notice_id, body=body, state=NoticeState.PUBLISHED, published_at=clock.now())
        saved = get_notice(connection, notice_id)
        _set_timers(plane, connection, saved)
        _say(plane, connection, saved, actor=actor.name, change="announced", why=urgent.strip())
        return saved


def notice_days(plane: Plane, notice: Notice) -> float:
    """Business days between now and the beginning."""
    calendar = plane.content.respond.calendar
    assert notice.due_at is not None  # noqa: S101  # maintenance always has a beginning
    return business_time_between(calendar, clock.now(), notice.due_at) / calendar.day_length


def end_early(plane: Plane, notice_id: int, *, actor: Actor) -> Notice:
    """It is done: the window closes now, and what is still wrong pages at once."""
    require(actor, Permission.PLAN_AND_RUN)
    with plane.ledger.store.write() as connection:
        found = _get(connection, notice_id, NoticeState.PUBLISHED)
        now = clock.now()
        if not found.is_running(now):
            raise _not_running(found)
        saved = _change(connection, found, ends_at=now.isoformat(), ended_by=actor.name)
        cancel_timers(connection, subject=_subject(saved))
        _release(connection, saved)
        _say(plane, connection, saved, actor=actor.name, change="ended")
        return saved


def extend(plane: Plane, notice_id: int, *, until: datetime, reason: str, actor: Actor) -> Notice:
    """It takes longer; also when the window is over already, by an hour at most."""
    require(actor, Permission.PLAN_AND_RUN)
    with plane.ledger.store.write() as connection:
        found = _get(connection, notice_id, NoticeState.PUBLISHED)
        now = clock.now()
        ends_at, starts_at = found.ends_at, found.due_at
        if ends_at is None or starts_at is None or found.is_cancelled or found.body.get("ended_by"):
            raise _not_running(found)
        if ends_at + timedelta(hours=1) < now:
            raise _not_running(found)
        _check_reason(reason)
        if until <= max(now, ends_at) or until - starts_at > _LONGEST:
            raise Invalid(
                Text(
                    ja="今の終わりより後で、開始から 24 時間以内にしてください",
                    en="It must end later than now planned, within 24 h of its beginning",
                ),
                code="maintenance.bad_window",
            )
        saved = _change(connection, found, ends_at=until.isoformat(), extended_for=reason.strip())
        _set_timers(plane, connection, saved)
        _say(plane, connection, saved, actor=actor.name, change="extended", why=reason.strip())
        return saved


def cancel(plane: Plane, notice_id: int, *, reason: str, actor: Actor) -> Notice:
    """It will not take place. An announcement that was read is taken back where it was read."""
    require(actor, Permission.PLAN_AND_RUN)
    _check_reason(reason)
    with plane.ledger.store.write() as connection:
        found = get_notice(connection, notice_id)
        if found.state is NoticeState.DRAFT:
            save_notice(connection, notice_id, state=NoticeState.DISCARDED)
            return get_notice(connection, notice_id)
        found = _get(connection, notice_id, NoticeState.PUBLISHED)
        if found.ends_at is None or found.ends_at <= clock.now() or found.is_cancelled:
            raise _not_running(found)
        saved = _change(connection, found, cancelled_at=clock.now().isoformat(), cancelled_by=actor.name)
        cancel_timers(connection, subject=_subject(saved))
        _release(connection, saved)
        _say(plane, connection, saved, actor=actor.name, change="cancelled", why=reason.strip())
        return saved


def keep_window(plane: Plane, connection: Connection, timer: Timer) -> None:
    """The decision of a window's timers: said again, begun, over; late rather than never."""
    found = get_notice(connection, int(timer.subject.removeprefix("maintenance:")))
    if found.state is not NoticeState.PUBLISHED or found.is_cancelled:
        return
    now, late = clock.now(), clock.now() - timer.due_at
    is_late = late > timedelta(minutes=1)
    why = f"{round(late.total_seconds() / 60)} min late" if is_late else ""
    if timer.name == _END:
        if found.ends_at is not None and found.ends_at > now:
            return
        _release(connection, found)
        _say(plane, connection, found, actor=ACTOR, change="over", why=why)
    elif timer.name == _BEGIN:
        _say(plane, connection, found, actor=ACTOR, change="begun", why=why)
    elif found.due_at is not None and found.due_at > now:
        _say(plane, connection, found, actor=ACTOR, change="reminded", why=why)


def _write(
    plane: Plane, parts: Sequence[str], *, starts_at: datetime, ends_at: datetime, said: Text
) -> tuple[Words, tuple[str, ...]]:
    rules = plane.content.communication
    services = {one.service for one in plane.content.parts if one.name in parts}
    # One slot of two is work that nobody notices.
    whole = {
        service
        for service in services
        if all(
            one.name in parts or may_rest(plane, one) for one in plane.content.parts if one.service == service
        )
    }
    features = [one for one in rules.features if whole & {*one.stops_with, *one.slows_with}]
    template = find_template(rules.templates, audience="customers", kind=NoticeKind.MAINTENANCE.value)

    def write(source: Text, language: Language) -> str:
        # `Any`: the names of a template.
        names: dict[str, Any] = {
            "starts_at": starts_at,
            "ends_at": ends_at,
            "lasts": ends_at - starts_at,
            "features": [one.title.in_language(language) for one in features],
            "said": said.in_language(language).strip(),
        }
        return render_names(
            source.in_language(language), names, language=language, zone=rules.zone, place=template.id
        )

    ja, en = LANGUAGES
    words = Words(
        title=Text(ja=write(template.title, ja), en=write(template.title, en)),
        text=Text(ja=write(template.text, ja), en=write(template.text, en)),
    )
    return words, tuple(one.id for one in features)


def _check_window(starts_at: datetime | None, ends_at: datetime | None) -> None:
    now = clock.now()
    if starts_at is None or ends_at is None or not now < starts_at < ends_at:
        raise Invalid(
            Text(ja="開始は今より後、終了は開始より後にしてください", en="It must begin later than now"),
            code="maintenance.bad_window",
        )
    if ends_at - starts_at > _LONGEST or starts_at - now > _FURTHEST:
        raise Invalid(
            Text(
                ja="長さは 24 時間以内、開始は 180 日以内にしてください",
                en="It lasts 24 h at most and begins within 180 days",
            ),
            code="maintenance.bad_window",
        )


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > _REASON_CHARS:
        raise Invalid(
            Text(ja="理由を 500 文字以内で書いてください", en="Say why, in 500 characters at most"),
            code="maintenance.no_reason",
        )


def _require_notice(plane: Plane, days: float, *, urgent: str) -> None:
    needed = plane.content.communication.maintenance.notice_business_days
    if days >= needed or urgent.strip():
        return
    raise Refused(
        Text(
            ja=f"お知らせは {needed} 営業日前までです(今からだと {days:.1f} 営業日)",
            en=f"It must be announced {needed} business days ahead; it begins in {days:.1f}",
        ),
        hint=Text(
            ja="日を改めるか、急ぐ理由を書いてください(台帳に残ります)。",
            en="Choose a later day, or say why it is urgent; that goes on record.",
        ),
        code="maintenance.short_notice",
    )


def _set_timers(plane: Plane, connection: Connection, notice: Notice) -> None:
    subject, now = _subject(notice), clock.now()
    cancel_timers(connection, subject=subject)
    if notice.due_at is None or notice.ends_at is None:
        return
    for before in plane.content.communication.maintenance.remind_before:
        if notice.due_at - before > now:
            name = f"remind-{before.total_seconds() / 3600:g}"
            set_timer(connection, kind=MAINTENANCE, subject=subject, name=name, due_at=notice.due_at - before)
    if notice.due_at > now:
        set_timer(connection, kind=MAINTENANCE, subject=subject, name=_BEGIN, due_at=notice.due_at)
    set_timer(connection, kind=MAINTENANCE, subject=subject, name=_END, due_at=notice.ends_at)


def _release(connection: Connection, notice: Notice) -> None:
    """What was held back because of it is judged again now."""
    parts = set(notice.body.get("parts", ()))
    for incident in list_unresolved(connection):
        if incident.part in parts:
            hasten_paging(connection, incident)
            set_timer(connection, kind=CADENCE, subject=incident.subject, due_at=clock.now())


def _change(connection: Connection, notice: Notice, **facts: object) -> Notice:
    revision = int(notice.body.get("revision", 0)) + 1
    save_notice(connection, notice.id, body={**notice.body, **facts, "revision": revision})
    return get_notice(connection, notice.id)


_SAID: Final = {
    "announced": Text(ja="メンテナンスを予告しました", en="Maintenance announced"),
    "reminded": Text(ja="まもなくメンテナンスです", en="Maintenance is coming up"),
    "begun": Text(ja="メンテナンスを始めました", en="Maintenance has begun"),
    "over": Text(ja="メンテナンスの時間が終わりました", en="The maintenance window is over"),
    "ended": Text(ja="メンテナンスが終わりました", en="Maintenance is done"),
    "extended": Text(ja="メンテナンスを延長しました", en="Maintenance is extended"),
    "cancelled": Text(ja="メンテナンスを中止しました", en="Maintenance is cancelled"),
}


def _say(
    plane: Plane, connection: Connection, notice: Notice, *, actor: str, change: str, why: str = ""
) -> None:
    """On record, and told inside; subscribers read the same from the outbox."""
    said = _SAID[change]
    more = f": {why}" if why else ""
    zone = plane.content.communication.zone
    assert notice.due_at is not None  # noqa: S101  # maintenance always has both
    assert notice.ends_at is not None  # noqa: S101
    when = f"{notice.due_at.astimezone(zone):%m-%d %H:%M} – {notice.ends_at.astimezone(zone):%m-%d %H:%M}"
    title = Text(ja=f"{said.ja}(MNT-{notice.id}){more}", en=f"{said.en} (MNT-{notice.id}){more}")
    plane.ledger.append_within(
        connection,
        Kind.COMMUNICATION,
        actor=actor,
        subject=_subject(notice),
        body={
            "change": f"maintenance_{change}",
            "notice": notice.id,
            "parts": list(notice.body.get("parts", ())),
            "starts_at": notice.due_at.isoformat(),
            "ends_at": notice.ends_at.isoformat(),
            "why": why or None,
            "message": {"ja": title.ja, "en": title.en},
        },
    )
    if change in ("announced", "reminded", "extended", "cancelled", "ended"):
        # Said once for each change, however often the step is run; another extension is another change.
        which = f"{change}.{notice.body.get('revision', 0)}.{clock.now():%Y%m%d%H}"
        tell_later(plane, connection, notice, change=which)
    tell(
        plane,
        connection,
        people=list_insiders(plane),
        key=f"maintenance:{notice.id}:{change}:{notice.body.get('revision', 0)}:{clock.now():%Y%m%d%H%M}",
        purpose="update",
        message={
            "title": {"ja": title.ja, "en": title.en},
            "lines": [asdict(notice.title), {"ja": when, "en": when}],
            "url_path": "/maintenance",
        },
        incident_id=None,
    )


def _subject(notice: Notice) -> str:
    return f"maintenance:{notice.id}"


def _get(connection: Connection, notice_id: int, state: NoticeState) -> Notice:
    found = get_notice(connection, notice_id)
    if found.kind is not NoticeKind.MAINTENANCE or found.state is not state:
        raise Conflict(
            Text(
                ja=f"MNT-{notice_id} はこの操作ができる状態ではありません",
                en=f"MNT-{notice_id} is not in a state for this",
            ),
            hint=Text(ja="`hrx maintenance list` で確かめてください。", en="See `hrx maintenance list`."),
            code="maintenance.wrong_state",
        )
    return found


def _not_running(notice: Notice) -> Conflict:
    return Conflict(
        Text(ja=f"MNT-{notice.id} は今、実施中ではありません", en=f"MNT-{notice.id} is not under way"),
        hint=Text(ja="`hrx maintenance list` で確かめてください。", en="See `hrx maintenance list`."),
        code="maintenance.not_running",
    )
