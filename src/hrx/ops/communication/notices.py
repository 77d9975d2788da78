"""Words on their way to readers: drafted from facts, edited, judged. Each step is one transaction."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, Text
from hrx.ops.communication.drafting import Words, render
from hrx.ops.communication.facts import Facts, Said, collect_facts
from hrx.ops.communication.leaks import Leak, find_leaks, list_known_names
from hrx.ops.communication.rhythm import list_dues
from hrx.ops.ledger.communications import (
    Audience,
    Notice,
    NoticeKind,
    NoticeState,
    add_notice,
    get_notice,
    list_notices,
    save_notice,
)
from hrx.ops.ledger.incidents import Incident, get_within
from hrx.ops.ledger.store import Connection
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.messages import find_template

#: The timers of `incidents.lifecycle`: anew, or a tick of one audience when it has a name.
CADENCE: Final = "communication.cadence"
_ON_TIME: Final = timedelta(seconds=60)
_REASON_CHARS: Final = 500


def draft(
    plane: Plane,
    incident_id: int,
    *,
    audience: Audience,
    kind: NoticeKind | None = None,
    said: Said | None = None,
    actor: Actor,
) -> Notice:
    """New words from the facts as they are now; `kind` None is the one that is due. Raises Invalid."""
    require(actor, Permission.PLAN_AND_RUN)
    with plane.ledger.store.write() as connection:
        incident = get_within(connection, incident_id)
        return draft_within(
            plane, connection, incident, audience=audience, kind=kind, said=said, actor=actor.name
        )


def preview(
    plane: Plane,
    incident_id: int,
    *,
    audience: Audience,
    kind: NoticeKind | None = None,
    said: Said | None = None,
) -> tuple[Words, tuple[Leak, ...]]:
    """The same words, kept nowhere."""
    with plane.ledger.store.read() as connection:
        incident = get_within(connection, incident_id)
        words, facts, _ = _write(plane, connection, incident, audience=audience, kind=kind, said=said)
    return words, judge(plane, words, audience=audience, facts=facts)


def draft_within(
    plane: Plane,
    connection: Connection,
    incident: Incident,
    *,
    audience: Audience,
    kind: NoticeKind | None = None,
    said: Said | None = None,
    actor: str,
) -> Notice:
    """The same inside a transaction of the caller; replaces the open draft of this audience."""
    words, facts, chosen = _write(plane, connection, incident, audience=audience, kind=kind, said=said)
    for old in list_notices(
        connection, incident_id=incident.id, states=(NoticeState.DRAFT,), audience=audience
    ):
        save_notice(connection, old.id, state=NoticeState.DISCARDED)
    body = {
        "title": asdict(words.title),
        "text": asdict(words.text),
        "said": _said_to_json(facts.said),
        "next_update_at": facts.next_update_at.isoformat() if facts.next_update_at else None,
        "authors": [actor],
    }
    number = add_notice(
        connection, incident_id=incident.id, audience=audience, kind=chosen, made_by=actor, body=body
    )
    return get_notice(connection, number)


def edit(
    plane: Plane, notice_id: int, *, words: Words, next_update_at: datetime | None, actor: Actor
) -> Notice:
    """A person's own words instead of the template's. Raises Conflict once it is published."""
    require(actor, Permission.PLAN_AND_RUN)
    with plane.ledger.store.write() as connection:
        found = get_draft(connection, notice_id)
        authors = [*found.body.get("authors", []), actor.name]
        body = {
            **found.body,
            "title": asdict(_tidy(words.title)),
            "text": asdict(_tidy(words.text)),
            "next_update_at": next_update_at.isoformat() if next_update_at else None,
            "authors": list(dict.fromkeys(authors)),
        }
        # Whoever confirmed an override confirmed other words.
        body.pop("override", None)
        save_notice(connection, notice_id, body=body)
        return get_notice(connection, notice_id)


def discard(plane: Plane, notice_id: int, *, actor: Actor) -> Notice:
    """These words will not be said."""
    require(actor, Permission.PLAN_AND_RUN)
    with plane.ledger.store.write() as connection:
        get_draft(connection, notice_id)
        save_notice(connection, notice_id, state=NoticeState.DISCARDED)
        return get_notice(connection, notice_id)


def lint(plane: Plane, notice: Notice) -> tuple[Leak, ...]:
    """What is wrong with a notice now; the same words may be right once the cause is confirmed."""
    with plane.ledger.store.read() as connection:
        return lint_within(plane, connection, notice)


def judge(plane: Plane, words: Words, *, audience: Audience, facts: Facts | None) -> tuple[Leak, ...]:
    """The linter with the rules and names of this plane."""
    rules = plane.content.communication
    return find_leaks(
        words,
        audience=audience,
        facts=facts,
        rules=rules.leaks,
        known=list_known_names(plane),
        zone=rules.zone,
    )


def words_of(notice: Notice) -> Words:
    return Words(title=notice.title, text=notice.text)


def said_of(notice: Notice) -> Said:
    """What people typed for it."""
    given = notice.body.get("said") or {}
    expected = given.get("expected_at")

    def text(name: str) -> Text:
        found = given.get(name) or {}
        return Text(ja=str(found.get("ja", "")), en=str(found.get("en", "")))

    return Said(
        action=text("action"),
        workaround=text("workaround"),
        prevention=text("prevention"),
        expected_at=datetime.fromisoformat(expected) if expected else None,
        source=str(given.get("source", "")),
    )


def digest_of(words: Words) -> str:
    """What a second person confirms: these very words."""
    said = "\x00".join((words.title.ja, words.title.en, words.text.ja, words.text.en))
    return hashlib.sha256(said.encode()).hexdigest()


def _write(
    plane: Plane,
    connection: Connection,
    incident: Incident,
    *,
    audience: Audience,
    kind: NoticeKind | None,
    said: Said | None,
) -> tuple[Words, Facts, NoticeKind]:
    rules = plane.content.communication
    due = next((one for one in list_dues(plane, connection, incident) if one.audience is audience), None)
    chosen = kind or (due.kind if due else _usual(incident))
    is_last = chosen in (NoticeKind.RESOLUTION, NoticeKind.REPORT) or not incident.is_unresolved
    cadence = rules.cadence.get(incident.severity)
    next_update_at = None
    if cadence is not None and not is_last:
        every = cadence.customers.every if audience is Audience.CUSTOMERS else cadence.internal.every
        next_update_at = _whole_minute(clock.now() + every)
    facts = collect_facts(plane, connection, incident, next_update_at=next_update_at, said=said)
    template = find_template(rules.templates, audience=audience.value, kind=chosen.value)
    return render(template, facts, zone=rules.zone), facts, chosen


def _usual(incident: Incident) -> NoticeKind:
    return NoticeKind.UPDATE if incident.is_unresolved else NoticeKind.RESOLUTION


def _whole_minute(at: datetime) -> datetime:
    """Readers are told a minute, so what is due is that minute."""
    return at.replace(second=0, microsecond=0)


def lint_within(plane: Plane, connection: Connection, notice: Notice) -> tuple[Leak, ...]:
    facts = None
    if notice.incident_id is not None:
        incident = get_within(connection, notice.incident_id)
        facts = collect_facts(
            plane, connection, incident, next_update_at=notice.next_update_at, said=said_of(notice)
        )
    return judge(plane, words_of(notice), audience=notice.audience, facts=facts)


def _said_to_json(said: Said) -> dict[str, Any]:
    return {
        "action": asdict(said.action),
        "workaround": asdict(said.workaround),
        "prevention": asdict(said.prevention),
        "expected_at": said.expected_at.isoformat() if said.expected_at else None,
        "source": said.source,
    }


def _tidy(text: Text) -> Text:
    return Text(ja=text.ja.replace("\r\n", "\n").strip(), en=text.en.replace("\r\n", "\n").strip())


def get_draft(connection: Connection, notice_id: int) -> Notice:
    found = get_notice(connection, notice_id)
    if found.state is not NoticeState.DRAFT:
        raise Conflict(
            Text(
                ja=f"お知らせ {notice_id} はもう下書きではありません",
                en=f"Notice {notice_id} is no longer a draft",
            ),
            hint=Text(ja="続きは新しい下書きで書いてください。", en="Write what comes next as a new draft."),
            code="communication.not_a_draft",
        )
    return found
