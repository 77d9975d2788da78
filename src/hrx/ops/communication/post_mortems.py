"""Post-mortems: begun by rule, written by people, judged for blame, approved by somebody else.

The time line and the times are not written but read (`retrospect`); what people write are the sections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, FieldProblem, Forbidden, Invalid, Refused, Text
from hrx.ops.communication.leaks import Leak, Level, find_blame, list_known_names
from hrx.ops.communication.notices import draft_within
from hrx.ops.communication.people import audience_url, list_speakers, tell
from hrx.ops.communication.retrospect import find_worst
from hrx.ops.ledger.communications import Audience, NoticeKind, NoticeState, list_notices
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.ledger.incidents import Incident, get_within
from hrx.ops.ledger.post_mortems import (
    PostMortem,
    PostMortemState,
    add_post_mortem,
    find_post_mortem,
    get_post_mortem,
    list_actions,
    save_post_mortem,
)
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import cancel_timers, set_timer
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.plane import Plane
from hrx.ops.schedules.business import add_business_time

ACTOR: Final = "communication"
DUE: Final = "communication.post_mortem_due"
#: The sections that people write, in the order in which they are read; the first four must be there.
SECTIONS: Final[Mapping[str, Text]] = {
    "summary": Text(ja="何が起きたか", en="What happened"),
    "impact": Text(ja="誰にどんな影響があったか", en="Who was affected, and how"),
    "cause": Text(ja="原因(証拠が示すもの)", en="Cause, as the evidence shows it"),
    "factors": Text(ja="悪化させた要因", en="Contributing factors"),
    "went_well": Text(ja="うまくいったこと", en="What went well"),
    "went_badly": Text(ja="うまくいかなかったこと", en="What did not go well"),
    "no_actions": Text(ja="再発防止策がない理由", en="Why there are no actions"),
}
_REQUIRED: Final = ("summary", "impact", "cause", "factors")
_SECTION_CHARS: Final = 8000


def needs_post_mortem(plane: Plane, incident: Incident) -> bool:
    """Whether the runbook asks for one: by the worst severity it ever had; drills have none."""
    if incident.is_drill:
        return False
    entries = plane.ledger.list_entries(EntryFilter(subject=incident.subject), limit=500)
    return find_worst(entries, incident) in plane.content.communication.post_mortem.severities


def begin_if_needed(plane: Plane, connection: Connection, incident: Incident) -> None:
    """Start it at the resolution of an incident that needs one; harmless when it is there."""
    if incident.resolved_at is None or find_post_mortem(connection, incident.id) is not None:
        return
    if needs_post_mortem(plane, incident):
        _begin(plane, connection, incident, actor=ACTOR)


def begin(plane: Plane, incident_id: int, *, actor: Actor) -> PostMortem:
    """Start one for any incident, or give the one that is there."""
    require(actor, Permission.PLAN_AND_RUN)
    with plane.ledger.store.write() as connection:
        incident = get_within(connection, incident_id)
        found = find_post_mortem(connection, incident_id)
        return found or _begin(plane, connection, incident, actor=actor.name)


def write(plane: Plane, incident_id: int, *, sections: Mapping[str, str], actor: Actor) -> PostMortem:
    """Change the sections that are given. Raises Conflict once it was handed in."""
    require(actor, Permission.PLAN_AND_RUN)
    if set(sections) - set(SECTIONS) or any(len(one) > _SECTION_CHARS for one in sections.values()):
        raise Invalid(
            Text(ja="1 つの節は 8,000 文字以内です", en="A section has 8,000 characters at most"),
            code="post_mortem.bad_section",
        )
    with plane.ledger.store.write() as connection:
        found = get_post_mortem(connection, incident_id)
        _require_state(found, PostMortemState.DRAFT)
        tidy = {name: said.replace("\r\n", "\n").strip() for name, said in sections.items()}
        return save_post_mortem(connection, replace(found, sections={**found.sections, **tidy}))


def lint_sections(plane: Plane, found: PostMortem) -> tuple[Leak, ...]:
    """What blames people or gives away secrets in what was written."""
    rules = plane.content.communication.leaks
    return find_blame(found.sections, rules=rules, known=list_known_names(plane))


def hand_in(plane: Plane, incident_id: int, *, actor: Actor) -> PostMortem:
    """It is written: somebody else approves it now. Raises Refused naming what is missing or blames."""
    require(actor, Permission.PLAN_AND_RUN)
    with plane.ledger.store.write() as connection:
        found = get_post_mortem(connection, incident_id)
        _require_state(found, PostMortemState.DRAFT)
        problems = _list_problems(plane, connection, found)
        if problems:
            raise Refused(
                Text(ja="事後検証はまだ提出できません", en="The post-mortem cannot be handed in yet"),
                fields=tuple(problems),
                code="post_mortem.incomplete",
            )
        written = replace(found, state=PostMortemState.WRITTEN, written_at=clock.now(), written_by=actor.name)
        return _change(
            plane,
            connection,
            written,
            actor=actor.name,
            change="post_mortem_written",
            message=Text(ja="事後検証を提出しました", en="Handed in the post-mortem"),
        )


def approve(plane: Plane, incident_id: int, *, actor: Actor) -> PostMortem:
    """Somebody else than its author stands by it; customers who were told get their report drafted."""
    require(actor, Permission.APPROVE)
    with plane.ledger.store.write() as connection:
        found = get_post_mortem(connection, incident_id)
        _require_state(found, PostMortemState.WRITTEN)
        if found.written_by == actor.name:
            raise Forbidden(
                Text(
                    ja="自分が提出した事後検証は承認できません",
                    en="Whoever handed it in cannot approve it",
                ),
                hint=Text(ja="別の承認者に依頼してください。", en="Ask another approver."),
                code="post_mortem.own",
            )
        approved = replace(
            found, state=PostMortemState.APPROVED, approved_at=clock.now(), approved_by=actor.name
        )
        saved = _change(
            plane,
            connection,
            approved,
            actor=actor.name,
            change="post_mortem_approved",
            message=Text(ja="事後検証を承認しました", en="Approved the post-mortem"),
        )
        _draft_report(plane, connection, get_within(connection, incident_id))
        return saved


def send_back(plane: Plane, incident_id: int, *, reason: str, actor: Actor) -> PostMortem:
    """It is not right yet: it can be written on again."""
    require(actor, Permission.APPROVE)
    if not reason.strip() or len(reason) > 500:
        raise Invalid(
            Text(ja="理由を 500 文字以内で書いてください", en="Say why, in 500 characters at most"),
            code="post_mortem.no_reason",
        )
    with plane.ledger.store.write() as connection:
        found = get_post_mortem(connection, incident_id)
        if found.state is PostMortemState.DRAFT:
            _require_state(found, PostMortemState.WRITTEN)
        again = replace(
            found,
            state=PostMortemState.DRAFT,
            written_at=None,
            written_by=None,
            approved_at=None,
            approved_by=None,
        )
        return _change(
            plane,
            connection,
            again,
            actor=actor.name,
            change="post_mortem_returned",
            message=Text(
                ja=f"事後検証を差し戻しました: {reason.strip()}",
                en=f"Sent the post-mortem back: {reason.strip()}",
            ),
        )


def set_due_timer(connection: Connection, found: PostMortem) -> None:
    """Remind when its next step is due; an approved one reminds nobody."""
    subject = f"incident:{found.incident_id}"
    cancel_timers(connection, subject=subject, kind=DUE)
    if found.due_at is not None:
        set_timer(connection, kind=DUE, subject=subject, due_at=found.due_at, payload={"asked": 0})


def _begin(plane: Plane, connection: Connection, incident: Incident, *, actor: str) -> PostMortem:
    rules, calendar = plane.content.communication.post_mortem, plane.content.respond.calendar
    start = incident.resolved_at or clock.now()

    def due(days: int) -> datetime:
        return add_business_time(calendar, start, calendar.day_length * days)

    made = PostMortem(
        incident_id=incident.id,
        state=PostMortemState.DRAFT,
        made_at=clock.now(),
        written_due_at=due(rules.written_business_days),
        approved_due_at=due(rules.approved_business_days),
    )
    add_post_mortem(connection, made)
    set_due_timer(connection, made)
    _record(
        plane,
        connection,
        made,
        actor=actor,
        change="post_mortem_begun",
        message=Text(ja="事後検証を始めました", en="The post-mortem has begun"),
    )
    return made


def _list_problems(plane: Plane, connection: Connection, found: PostMortem) -> list[FieldProblem]:
    problems = [
        FieldProblem(
            field=name,
            code="missing",
            message=Text(ja=f"「{SECTIONS[name].ja}」が空です", en=f"“{SECTIONS[name].en}” is empty"),
        )
        for name in _REQUIRED
        if not found.sections.get(name, "").strip()
    ]
    if not list_actions(connection, incident_id=found.incident_id) and not found.sections.get("no_actions"):
        problems.append(
            FieldProblem(
                field="actions",
                code="missing",
                message=Text(
                    ja="再発防止策を 1 つ以上加えるか、ない理由を書いてください",
                    en="Add an action, or say why there is none",
                ),
            )
        )
    problems += [
        FieldProblem(
            field=one.field,
            code=one.rule,
            message=Text(
                ja=f"「{one.excerpt}」{one.why.ja}。{one.instead.ja}",
                en=f"“{one.excerpt}”: {one.why.en}. {one.instead.en}",
            ),
        )
        for one in lint_sections(plane, found)
        if one.level is Level.ERROR
    ]
    return problems


def _draft_report(plane: Plane, connection: Connection, incident: Incident) -> None:
    """Who was told that it happened is told why, and what is done about it (5.3)."""
    told = list_notices(
        connection,
        incident_id=incident.id,
        with_absorbed=True,
        states=(NoticeState.PUBLISHED,),
        audience=Audience.CUSTOMERS,
    )
    if not told or any(one.kind is NoticeKind.REPORT for one in told):
        return
    made = draft_within(
        plane, connection, incident, audience=Audience.CUSTOMERS, kind=NoticeKind.REPORT, actor=ACTOR
    )
    tell(
        plane,
        connection,
        people=list_speakers(plane, incident, urgency=1),
        key=f"report-ready:{incident.id}:{made.id}",
        purpose="reminder",
        message={
            "title": {
                "ja": f"顧客への解決報告の下書きができました(INC-{incident.id})",
                "en": f"The report to customers is ready to be read (INC-{incident.id})",
            },
            "lines": [
                {
                    "ja": "対策と再発防止を書き加え、公開してください。",
                    "en": "Add what was done and will be, then publish it.",
                }
            ],
            "url_path": audience_url(incident, Audience.CUSTOMERS),
            "incident_id": incident.id,
            "thread": incident.subject,
        },
        incident_id=incident.id,
        also_place=False,
    )


def _change(
    plane: Plane, connection: Connection, after: PostMortem, *, actor: str, change: str, message: Text
) -> PostMortem:
    saved = save_post_mortem(connection, after)
    set_due_timer(connection, saved)
    _record(plane, connection, saved, actor=actor, change=change, message=message)
    return saved


def _record(
    plane: Plane, connection: Connection, found: PostMortem, *, actor: str, change: str, message: Text
) -> None:
    plane.ledger.append_within(
        connection,
        Kind.COMMUNICATION,
        actor=actor,
        subject=f"incident:{found.incident_id}",
        body={
            "change": change,
            "state": found.state.value,
            "sections": dict(found.sections) if found.state is not PostMortemState.DRAFT else {},
            "message": {"ja": message.ja, "en": message.en},
        },
    )


def _require_state(found: PostMortem, wanted: PostMortemState) -> None:
    if found.state is wanted:
        return
    if wanted is PostMortemState.DRAFT:
        said = Text(ja="提出済みなので変えられません", en="It was handed in and cannot be changed")
        hint = Text(ja="承認者が差し戻すと、また書けます。", en="An approver can send it back.")
    else:
        said = Text(ja="まだ提出されていないか、もう承認されています", en="It is not waiting for approval")
        hint = Text(ja="状態を確かめてください。", en="See where it stands.")
    raise Conflict(said, hint=hint, code="post_mortem.wrong_state")
