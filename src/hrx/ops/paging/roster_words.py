"""What the roster says in sentences: gaps with their reasons, weak spots, hand-offs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from hrx.kit.errors import Text
from hrx.ops.runbook.content import Content
from hrx.ops.schedules.proving import Double, Gap, PolicyProof, Reason, Why
from hrx.ops.schedules.spans import Span

_WHY: Final = {
    Why.UNPLANNED: Text(ja="担当が決まっていない", en="nobody is planned"),
    Why.AWAY: Text(ja="休暇中", en="on leave"),
    Why.UNREACHABLE: Text(ja="使える連絡手段がない", en="no channel in use leads to them"),
}


def name_policy(name: str) -> Text:
    """SEV1 …, or security."""
    return Text(ja="セキュリティ", en="Security") if name == "security" else Text(ja=name, en=name)


def name_person(content: Content, person: str) -> Text:
    found = content.contacts.find(person)
    return found.name if found else Text(ja=person, en=person)


def name_target(content: Content, target: str) -> Text:
    """`rotation:first` or `person:sato` as people say it."""
    kind, _, name = target.partition(":")
    if kind != "rotation":
        return name_person(content, name)
    return next((one.title for one in content.on_call.rotations if one.id == name), Text(ja=name, en=name))


def say_reason(content: Content, reason: Reason) -> Text:
    """Such as "First responder: Aya Suzuki (on leave)"."""
    target, why = name_target(content, reason.target), _WHY[reason.why]
    if not reason.people or reason.target.startswith("person:"):
        return Text(ja=f"{target.ja}: {why.ja}", en=f"{target.en}: {why.en}")
    names = [name_person(content, one) for one in reason.people]
    return Text(
        ja=f"{target.ja}: {'、'.join(one.ja for one in names)}({why.ja})",
        en=f"{target.en}: {', '.join(one.en for one in names)} ({why.en})",
    )


def say_reasons(content: Content, gap: Gap) -> Text:
    found = [say_reason(content, one) for one in gap.reasons]
    return Text(ja="。".join(one.ja for one in found), en="; ".join(one.en for one in found))


def say_gaps(content: Content, gaps: Sequence[Gap], *, zone: str) -> list[tuple[str, Text]]:
    """When and why, one line for neighbours that differ in nothing but their days (business hours)."""
    told: list[tuple[str, Text]] = []
    for (_, reasons), found in groupby(gaps, key=lambda gap: (gap.step, gap.reasons)):
        spans = [gap.span for gap in found]
        why = say_reasons(content, Gap(span=spans[0], reasons=reasons))
        if len(spans) > 1:
            why = Text(ja=f"{why.ja}(計 {len(spans)} 回)", en=f"{why.en} ({len(spans)} times)")
        told.append((say_span(Span(spans[0].start, spans[-1].end), zone=zone), why))
    return told


def say_skipped(step: int, why: Text) -> Text:
    """A step that brings nobody: the next is taken at once."""
    return Text(ja=f"第 {step} 段は飛ばされる。{why.ja}", en=f"Step {step} is skipped. {why.en}")


def say_weak(content: Content, one: PolicyProof, *, zone: str) -> list[tuple[str, Text]]:
    """Where a policy reaches somebody, but not as it should."""
    steps = sorted({gap.step or 0 for gap in one.empty_steps}) if one.is_covered else []
    return [
        *(
            (when, say_skipped(step, why))
            for step in steps
            for when, why in say_gaps(
                content, [gap for gap in one.empty_steps if gap.step == step], zone=zone
            )
        ),
        *((say_span(two.span, zone=zone), say_double(content, two)) for two in one.doubles),
    ]


def say_double(content: Content, double: Double) -> Text:
    """One person in two steps."""
    name, (first, second) = name_person(content, double.person), double.steps
    return Text(
        ja=f"{name.ja} が第 {first} 段と第 {second} 段の両方にいる",
        en=f"{name.en} stands in step {first} and in step {second}",
    )


def say_span(span: Span, *, zone: str) -> str:
    """From when to when by the clocks of a zone."""
    return f"{say_moment(span.start, zone=zone)} – {say_moment(span.end, zone=zone)}"


def say_moment(moment: datetime, *, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
