"""Saying it: words are judged once more, put on record with their lateness, and sent to those inside.

The public page takes what is published here at its next round; subscribers are told from the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hrx.kit import clock
from hrx.kit.errors import FieldProblem, Forbidden, Invalid, Refused, Text
from hrx.ops.communication.leaks import Leak, Level, has_errors
from hrx.ops.communication.notices import digest_of, get_draft, lint_within, words_of
from hrx.ops.communication.people import list_insiders, tell
from hrx.ops.communication.rhythm import list_dues
from hrx.ops.communication.subscriptions import tell_later
from hrx.ops.ledger.communications import Audience, Notice, NoticeKind, NoticeState, get_notice, save_notice
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.incidents import Incident, get_within
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import set_timer
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.plane import Plane

#: The timers of `incidents.lifecycle`: anew, or a tick of one audience when it has a name.
CADENCE: Final = "communication.cadence"
_ON_TIME: Final = timedelta(seconds=60)
_REASON_CHARS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What came of publishing. `waits_for_second`: another person must confirm the override first."""

    notice: Notice
    leaks: tuple[Leak, ...]
    waits_for_second: bool = False


def publish(plane: Plane, notice_id: int, *, actor: Actor, override: str = "") -> Published:
    """Say it: it is on the page at the next tick, and on its way to those who are told.

    Raises Refused naming every error the linter found. The incident's manager may override them for a reason
    (`override`); words for customers then wait until another approver publishes the same words."""
    require(actor, Permission.PLAN_AND_RUN)
    with plane.ledger.store.write() as connection:
        found = get_draft(connection, notice_id)
        leaks = lint_within(plane, connection, found)
        if has_errors(leaks):
            incident = get_within(connection, found.incident_id) if found.incident_id else None
            waits = _override(plane, connection, found, incident, leaks, actor=actor, reason=override)
            if waits is not None:
                return waits
            found = get_notice(connection, notice_id)
        published = publish_within(plane, connection, found, actor=actor.name, leaks=leaks)
    return Published(notice=published, leaks=leaks)


def publish_within(
    plane: Plane, connection: Connection, notice: Notice, *, actor: str, leaks: Sequence[Leak] = ()
) -> Notice:
    """Say it inside a transaction of the caller, who has judged it; lateness is put on record."""
    now = clock.now()
    incident = get_within(connection, notice.incident_id) if notice.incident_id is not None else None
    late_s, due_at = _lateness(plane, connection, incident, notice, now=now)
    body = {**notice.body, "late_s": late_s, "published_by": actor}
    if due_at is not None:
        body["was_due_at"] = due_at.isoformat()
    if notice.kind in (NoticeKind.RESOLUTION, NoticeKind.REPORT):
        body["next_update_at"] = None
    save_notice(connection, notice.id, state=NoticeState.PUBLISHED, body=body, published_at=now)
    saved = get_notice(connection, notice.id)
    _record(plane, connection, saved, incident, actor=actor, late_s=late_s, leaks=leaks)
    _send_inside(plane, connection, saved, incident)
    tell_later(plane, connection, saved)
    if incident is not None:
        set_timer(connection, kind=CADENCE, subject=incident.subject, due_at=now)
    return saved


def _override(
    plane: Plane,
    connection: Connection,
    notice: Notice,
    incident: Incident | None,
    leaks: Sequence[Leak],
    *,
    actor: Actor,
    reason: str,
) -> Published | None:
    """None: these words may go out in spite of their errors, and it is on record why."""
    digest = digest_of(words_of(notice))
    asked: Mapping[str, Any] = notice.body.get("override") or {}
    if asked.get("digest") == digest and asked.get("by") != actor.name:
        require(actor, Permission.APPROVE)
        if not actor.is_operator:
            raise Forbidden(
                Text(
                    ja="二人目の確認は、サインインした運用者だけができます",
                    en="The second word must be a signed-in operator's",
                ),
                code="communication.second_person",
            )
        body = {**notice.body, "override": {**asked, "confirmed_by": actor.name}}
        save_notice(connection, notice.id, body=body)
        return None
    if not reason.strip():
        raise refuse_words(notice, leaks)
    manager = str(incident.body.get("roles", {}).get("manager", "")) if incident else ""
    if manager != actor.name:
        raise Forbidden(
            Text(
                ja="指摘を押し切れるのは、この障害のインシデントマネージャーだけです",
                en="Only the incident's manager may override the linter",
            ),
            hint=Text(
                ja=f"今のインシデントマネージャー: {manager or 'なし'}。役割は障害のページで割り当てます。",
                en=f"The manager is {manager or 'nobody'}; roles are assigned on the incident's page.",
            ),
            code="communication.not_manager",
        )
    if len(reason) > _REASON_CHARS:
        raise Invalid(
            Text(ja="理由は 500 文字以内です", en="A reason has 500 characters at most"),
            code="communication.too_long",
        )
    asked = {"by": actor.name, "reason": reason.strip(), "digest": digest}
    save_notice(connection, notice.id, body={**notice.body, "override": asked})
    plane.ledger.append_within(
        connection,
        Kind.COMMUNICATION,
        actor=actor.name,
        subject=incident.subject if incident else f"notice:{notice.id}",
        body={
            "change": "override",
            "notice": notice.id,
            "audience": notice.audience.value,
            "reason": reason.strip(),
            "rules": sorted({one.rule for one in leaks if one.level is Level.ERROR}),
            "message": {
                "ja": f"連絡文への指摘を理由を記して押し切りました: {reason.strip()}",
                "en": f"Overrode what the linter found in words for {notice.audience}: {reason.strip()}",
            },
        },
    )
    if notice.audience is Audience.CUSTOMERS:
        return Published(notice=get_notice(connection, notice.id), leaks=tuple(leaks), waits_for_second=True)
    return None


def refuse_words(notice: Notice, leaks: Sequence[Leak]) -> Refused:
    """The refusal that names every error with its place and what to write instead."""
    errors = [one for one in leaks if one.level is Level.ERROR]
    return Refused(
        Text(
            ja=f"この文は公開できません(指摘 {len(errors)} 件)",
            en=f"These words cannot be published ({len(errors)} finding{'s' if len(errors) != 1 else ''})",
        ),
        hint=Text(
            ja=f"直してからもう一度: `hrx communication lint {notice.id}`。",
            en=f"Correct them and try again: `hrx communication lint {notice.id}`.",
        ),
        fields=tuple(
            FieldProblem(
                field=f"{one.field}.{one.language}:{one.start}",
                code=one.rule,
                message=Text(
                    ja=f"「{one.excerpt}」{one.why.ja}。{one.instead.ja}",
                    en=f"“{one.excerpt}”: {one.why.en}. {one.instead.en}",
                ),
            )
            for one in errors
        ),
        code="communication.leaks",
    )


def _lateness(
    plane: Plane, connection: Connection, incident: Incident | None, notice: Notice, *, now: datetime
) -> tuple[int, datetime | None]:
    if incident is None:
        return 0, None
    dues = {one.audience: one for one in list_dues(plane, connection, incident)}
    due = dues.get(notice.audience)
    if due is None or now <= due.due_at + _ON_TIME:
        return 0, due.due_at if due else None
    return round((now - due.due_at).total_seconds()), due.due_at


def _record(
    plane: Plane,
    connection: Connection,
    notice: Notice,
    incident: Incident | None,
    *,
    actor: str,
    late_s: int,
    leaks: Sequence[Leak],
) -> None:
    minutes = round(late_s / 60)
    late_ja, late_en = (f"({minutes} 分遅れ)", f", {minutes} min late") if late_s else ("", "")
    who_ja, who_en = (
        ("顧客", "Customers") if notice.audience is Audience.CUSTOMERS else ("社内", "Internal readers")
    )
    plane.ledger.append_within(
        connection,
        Kind.COMMUNICATION,
        actor=actor,
        subject=incident.subject if incident else f"notice:{notice.id}",
        body={
            "change": "published",
            "notice": notice.id,
            "audience": notice.audience.value,
            "notice_kind": notice.kind.value,
            "late_s": late_s,
            "title": asdict(notice.title),
            "text": asdict(notice.text),
            "next_update_at": notice.body.get("next_update_at"),
            "override": notice.body.get("override"),
            "warnings": sorted({one.rule for one in leaks}),
            "message": {
                "ja": f"{who_ja}に知らせました{late_ja}: {notice.title.ja}",
                "en": f"{who_en} were told{late_en}: {notice.title.en}",
            },
        },
    )


def _send_inside(plane: Plane, connection: Connection, notice: Notice, incident: Incident | None) -> None:
    """Those inside read everything that is said, customers' words too."""
    mark = (
        Text(ja="【顧客に公開】", en="[Published] ")
        if notice.audience is Audience.CUSTOMERS
        else Text(ja="", en="")
    )
    message = {
        "title": {"ja": mark.ja + notice.title.ja, "en": mark.en + notice.title.en},
        "lines": [asdict(notice.text)],
        "url_path": f"/incidents/{incident.id}" if incident else "/maintenance",
        "incident_id": incident.id if incident else None,
        "severity": int(incident.severity) if incident else None,
        "thread": incident.subject if incident else None,
    }
    tell(
        plane,
        connection,
        people=list_insiders(plane),
        key=f"notice:{notice.id}",
        purpose="update",
        message=message,
        incident_id=incident.id if incident else None,
    )
