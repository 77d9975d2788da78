"""What pages say: facts of the incident only, in both languages; the reader's is chosen when it is sent."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from hrx.kit.errors import Language, Text
from hrx.ops.channels.channel import Envelope, Event
from hrx.ops.ledger.incidents import Incident
from hrx.ops.ledger.notifications import Notification
from hrx.ops.runbook.contacts import Reach

# `Any` below: messages are JSON of the outbox, whose shape the brief of each sender keeps.


def say_page(incident: Incident, *, step: int, turn: int, part: Text | None = None) -> dict[str, Any]:
    """The page of an incident; `part` is what people call the part it is about."""
    lines = [Text(ja=f"重大度 {incident.severity.label}", en=f"Severity {incident.severity.label}")]
    if incident.part:
        name = part or Text(ja=incident.part, en=incident.part)
        lines.append(Text(ja=f"部品: {name.ja}({incident.part})", en=f"Part: {name.en} ({incident.part})"))
    if incident.sop:
        lines.append(Text(ja=f"手順書: {incident.sop}", en=f"Runbook: {incident.sop}"))
    if turn:
        lines.append(
            Text(
                ja=f"まだ誰も受領していません({turn + 1} 回目の呼び出し)。",
                en=f"Nobody has acknowledged yet; this is call {turn + 1}.",
            )
        )
    elif step:
        lines.append(
            Text(
                ja="前の担当者が受領しなかったため、あなたに回りました。",
                en="It came to you because nobody before you acknowledged.",
            )
        )
    return message_of(incident, title=title_of(incident), lines=lines, actions=("acknowledge",))


def say_unanswered(incident: Incident, *, is_over: bool) -> dict[str, Any]:
    """What the places are told when the steps led nowhere."""
    line = (
        Text(
            ja="全員を繰り返し呼び出しましたが、誰も受領していません。気づいた人が対応してください。",
            en="Everybody was paged repeatedly and nobody acknowledged. Whoever reads this, take it.",
        )
        if is_over
        else Text(
            ja="今は呼び出せる当番がいません。気づいた人が対応してください。",
            en="Nobody on call can be reached now. Whoever reads this, take it.",
        )
    )
    return message_of(incident, title=title_of(incident), lines=[line], actions=("acknowledge",))


def say_at_risk(incident: Incident, *, clock_name: str) -> dict[str, Any]:
    """What the incident manager is told when a clock runs out or is about to."""
    what = (
        Text(ja="対応開始の期限", en="time to respond")
        if clock_name == "respond"
        else Text(ja="復旧の期限", en="time to recover")
    )
    due = incident.respond_due_at if clock_name == "respond" else incident.recover_due_at
    until = f" ({due.astimezone(UTC):%H:%M} UTC)" if due else ""
    line = Text(
        ja=f"{what.ja}が迫っているか、過ぎました{until}。人を増やすか、優先順位を決めてください。",
        en=f"The {what.en} is running out, or has run out{until}. Add people, or decide what comes first.",
    )
    return message_of(incident, title=title_of(incident), lines=[line])


def title_of(incident: Incident) -> Text:
    """The incident's title; a drill says so first, so that nobody runs for nothing."""
    if not incident.is_drill:
        return incident.title
    return Text(ja=f"【訓練】{incident.title.ja}", en=f"[Drill] {incident.title.en}")


def message_of(
    incident: Incident, *, title: Text, lines: list[Text], actions: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The outbox's form of a message about an incident."""
    return {
        "title": {"ja": title.ja, "en": title.en},
        "lines": [{"ja": line.ja, "en": line.en} for line in lines],
        "incident_id": incident.id,
        "severity": int(incident.severity),
        "url_path": f"/incidents/{incident.id}",
        "actions": list(actions),
        "thread": incident.subject,
    }


def to_envelope(
    messages: list[Notification],
    *,
    reach: Reach,
    language: Language,
    base_url: str,
    thread_ref: str | None,
    unsubscribe_url: str | None = None,
) -> Envelope:
    """One message as its channel sends it; several for the same reader as one."""
    first = messages[0]
    said = first.message
    title, lines, url = _words(said.get("title"), language), _lines(said, language), said.get("url_path")
    if len(messages) > 1:
        title = _title_of_many(messages, title).in_language(language)
        lines = [line for one in messages for line in _digest(one, language)]
        # Readers outside are never led to our console.
        url = None if unsubscribe_url else "/incidents"
    return Envelope(
        dedup_key=first.dedup_key,
        address=reach.address,
        language=language,
        purpose=first.purpose,
        title=title,
        lines=tuple(lines),
        url=base_url.rstrip("/") + str(url) if url else None,
        actions=tuple(said.get("actions", ())) if len(messages) == 1 else (),
        thread=said.get("thread"),
        thread_ref=thread_ref,
        severity=min((one.severity for one in messages if one.severity), default=None),
        incident_id=first.incident_id if len(messages) == 1 else None,
        event=Event(said.get("event", Event.TRIGGER.value)),
        recipient=first.recipient,
        unsubscribe_url=unsubscribe_url,
    )


def _title_of_many(messages: list[Notification], title: str) -> Text:
    count = len(messages)
    if messages[0].is_call:
        return Text(ja=f"障害の呼び出し {count} 件: {title} ほか", en=f"{count} calls: {title} and more")
    return Text(ja=f"{count} 件のお知らせ: {title} ほか", en=f"{count} messages: {title} and more")


def _digest(one: Notification, language: Language) -> list[str]:
    """A message inside another: its title, and where to read it."""
    mark = f"SEV{one.severity} " if one.severity else ""
    path = one.message.get("url_path")
    return [f"• {mark}{_words(one.message.get('title'), language)}" + (f" ({path})" if path else "")]


def _lines(said: Any, language: Language) -> list[str]:
    return [_words(line, language) for line in said.get("lines", ())]


def _words(said: Any, language: Language) -> str:
    return str(said.get(language) or said.get("en") or "") if isinstance(said, dict) else str(said or "")
