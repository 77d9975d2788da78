"""What a change does to a record: pure functions from a record and an input to a rewrite.

Nothing is read or written here; the tests replay these against a naive day-by-day model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from hrx.app.people.employees.inputs import (
    ConcurrentPost,
    ConcurrentPostEnd,
    Correction,
    Departure,
    Hire,
    Post,
    Rehire,
    Transfer,
)
from hrx.app.people.employees.record import AssignmentKind, PersonRecord, Rewrite, Segment, Spell, earliest
from hrx.kit.errors import Conflict, FieldProblem, Invalid, Text

_ONE_DAY = timedelta(days=1)


def plan_spell(asked: Hire | Rehire) -> Rewrite:
    """A new spell with its first assignment."""
    spell = Spell(employment_id=None, kind=asked.kind, from_on=asked.hired_on, until_on=None)
    first = _new_segment(asked, kind="primary", from_on=asked.hired_on, until_on=None, employment_id=None)
    return Rewrite(opened_spells=(spell,), opened_segments=(first,))


def plan_rehire(record: PersonRecord, asked: Rehire) -> Rewrite:
    """Raises Conflict when the person is, or will be, employed on or after the day."""
    for spell in record.spells:
        if spell.until_on is None or spell.until_on > asked.hired_on:
            raise Conflict(
                Text(
                    ja="その日以降の在籍期間がすでにあります。",
                    en="There is a spell of employment on or after that day already.",
                ),
                code="employment.overlaps",
                hint=Text(ja="先に退職を登録してください。", en="Record the departure first."),
            )
    return plan_spell(asked)


def plan_transfer(record: PersonRecord, asked: Transfer) -> Rewrite:
    """The primary assignment changes from the day on, up to the next change that is already recorded.

    Raises Invalid when the person is not employed that day, or nothing would change."""
    day = asked.effective_on
    patch = asked.patch()
    spell = _spell_on(record, day, field="effective_on")
    current = record.find_primary(day)
    if current is None:
        return Rewrite(opened_segments=(_fill_gap(record, spell, asked),))
    changed = current.changed(patch, from_on=day, until_on=current.until_on)
    if _same_facts(current, changed):
        raise _nothing_changes()
    opened = (changed,) if current.from_on == day else (current.kept(until_on=day), changed)
    return Rewrite(closed_segments=(current,), opened_segments=opened)


def plan_concurrent_post(record: PersonRecord, asked: ConcurrentPost) -> Rewrite:
    """A second post, up to its last day or the end of the spell."""
    spell = _spell_on(record, asked.from_on, field="from_on")
    until_on = earliest(asked.to_on + _ONE_DAY if asked.to_on else None, spell.until_on)
    if until_on is not None and until_on <= asked.from_on:
        raise _backwards("to_on")
    return Rewrite(
        opened_segments=(
            Segment(
                employment_id=spell.employment_id,
                kind="concurrent",
                org_unit_id=asked.org_unit_id,
                position_id=asked.position_id,
                manager_id=asked.manager_id,
                grade=asked.grade,
                fte=asked.fte,
                from_on=asked.from_on,
                until_on=until_on,
            ),
        )
    )


def plan_concurrent_post_end(record: PersonRecord, asked: ConcurrentPostEnd) -> Rewrite:
    """The post ends after `ends_on`. Raises Invalid when it is no concurrent post or does not hold then."""
    post = _segment_named(record, asked.assignment_id)
    until_on = asked.ends_on + _ONE_DAY
    if post.kind != "concurrent" or not post.holds_on(asked.ends_on) or post.until_on == until_on:
        message = Text(
            ja="その日に有効な兼務ではありません。", en="This is no concurrent post that holds on that day."
        )
        raise Invalid(
            message, fields=(FieldProblem(field="ends_on", code="post.not_on_that_day", message=message),)
        )
    return Rewrite(closed_segments=(post,), opened_segments=(post.kept(until_on=until_on),))


def plan_departure(record: PersonRecord, asked: Departure) -> Rewrite:
    """The spell and all its assignments end after `left_on`; later reservations of the spell go."""
    spell = _spell_on(record, asked.left_on, field="left_on")
    until_on = asked.left_on + _ONE_DAY
    if spell.until_on == until_on:
        raise _nothing_changes()
    closed = [
        s for s in record.segments_of(spell.employment_id) if s.until_on is None or s.until_on > until_on
    ]
    return Rewrite(
        closed_spells=(spell,),
        opened_spells=(
            Spell(
                employment_id=spell.employment_id, kind=spell.kind, from_on=spell.from_on, until_on=until_on
            ),
        ),
        closed_segments=tuple(closed),
        opened_segments=tuple(s.kept(until_on=until_on) for s in closed if s.from_on < until_on),
    )


def plan_correction(record: PersonRecord, asked: Correction) -> Rewrite:
    """Put right what was recorded for some days; the wrong rows stay known as having been known."""
    patch = asked.patch()
    facts = _correct_facts(record, asked) if patch else Rewrite()
    if asked.hired_on is None:
        if not facts.opened_segments:
            raise _nothing_changes()
        return facts
    moved = _move_first_day(facts.applied_to(record), asked, day=asked.hired_on)
    return _combine(facts, moved)


def _correct_facts(record: PersonRecord, asked: Correction) -> Rewrite:
    targets = _targets(record, asked)
    until_on = asked.valid_to or targets[0].until_on
    if until_on is not None and until_on <= asked.valid_from:
        raise _backwards("valid_to")
    closed: list[Segment] = []
    opened: list[Segment] = []
    for segment in targets:
        if not segment.meets(asked.valid_from, until_on):
            continue
        from_on = max(segment.from_on, asked.valid_from)
        to_on = earliest(segment.until_on, until_on)
        changed = segment.changed(asked.patch(), from_on=from_on, until_on=to_on)
        if _same_facts(segment, changed):
            continue
        closed.append(segment)
        if segment.from_on < from_on:
            opened.append(segment.kept(until_on=from_on))
        opened.append(changed)
        if to_on is not None and to_on != segment.until_on:
            opened.append(segment.kept(from_on=to_on))
    return Rewrite(closed_segments=tuple(closed), opened_segments=tuple(opened))


def _targets(record: PersonRecord, asked: Correction) -> Sequence[Segment]:
    """The assignments meant, the one valid on the first day first."""
    if asked.assignment_id is not None:
        named = _segment_named(record, asked.assignment_id)
        if not named.holds_on(asked.valid_from):
            raise _not_assigned("valid_from")
        return (named,)
    spell = _spell_on(record, asked.valid_from, field="valid_from")
    first = record.find_primary(asked.valid_from)
    if first is None:
        raise _not_assigned("valid_from")
    later = [
        segment
        for segment in record.segments_of(spell.employment_id)
        if segment.kind == "primary" and segment.from_on > first.from_on
    ]
    return (first, *later)


def _move_first_day(record: PersonRecord, asked: Correction, *, day: date) -> Rewrite:
    """The spell began on another day: its first assignments stretch or shrink with it."""
    spell = _spell_on(record, asked.valid_from, field="valid_from")
    if day == spell.from_on:
        raise _nothing_changes()
    if spell.until_on is not None and day >= spell.until_on:
        raise _backwards("hired_on")
    affected = [
        s for s in record.segments_of(spell.employment_id) if s.from_on < day or s.from_on == spell.from_on
    ]
    kept = [s for s in affected if s.until_on is None or s.until_on > day]
    return Rewrite(
        closed_spells=(spell,),
        opened_spells=(
            Spell(employment_id=spell.employment_id, kind=spell.kind, from_on=day, until_on=spell.until_on),
        ),
        closed_segments=tuple(affected),
        opened_segments=tuple(s.kept(from_on=day) for s in kept),
    )


def _combine(first: Rewrite, second: Rewrite) -> Rewrite:
    """Two rewrites as one, so that no row is opened and closed at the same moment."""
    passing = [segment for segment in second.closed_segments if segment.id is None]
    return Rewrite(
        closed_spells=second.closed_spells,
        opened_spells=second.opened_spells,
        closed_segments=(
            *first.closed_segments,
            *(segment for segment in second.closed_segments if segment.id is not None),
        ),
        opened_segments=(
            *(segment for segment in first.opened_segments if segment not in passing),
            *second.opened_segments,
        ),
    )


def _new_segment(
    asked: Post, *, kind: AssignmentKind, from_on: date, until_on: date | None, employment_id: int | None
) -> Segment:
    return Segment(
        employment_id=employment_id,
        kind=kind,
        org_unit_id=asked.org_unit_id,
        position_id=asked.position_id,
        manager_id=asked.manager_id,
        grade=asked.grade,
        fte=asked.fte,
        from_on=from_on,
        until_on=until_on,
    )


def _fill_gap(record: PersonRecord, spell: Spell, asked: Transfer) -> Segment:
    """Somebody employed but without a primary assignment that day gets one, up to the next one."""
    if asked.org_unit_id is None:
        raise _not_assigned("org_unit_id")
    starts = [
        segment.from_on
        for segment in record.segments_of(spell.employment_id)
        if segment.kind == "primary" and segment.from_on > asked.effective_on
    ]
    post = Post.model_validate(asked.patch())
    return _new_segment(
        post,
        kind="primary",
        from_on=asked.effective_on,
        until_on=earliest(spell.until_on, *starts),
        employment_id=spell.employment_id,
    )


def _same_facts(one: Segment, other: Segment) -> bool:
    return (one.org_unit_id, one.position_id, one.manager_id, one.grade, one.fte) == (
        other.org_unit_id,
        other.position_id,
        other.manager_id,
        other.grade,
        other.fte,
    )


def _spell_on(record: PersonRecord, day: date, *, field: str) -> Spell:
    spell = record.find_spell(day)
    if spell is None:
        message = Text(ja=f"{day} には在籍していません。", en=f"The person is not employed on {day}.")
        raise Invalid(
            message, fields=(FieldProblem(field=field, code="person.not_employed", message=message),)
        )
    return spell


def _segment_named(record: PersonRecord, assignment_id: int) -> Segment:
    segment = next((s for s in record.segments if s.id == assignment_id), None)
    if segment is None:
        message = Text(
            ja="その人の現在の配属の記録ではありません。",
            en="This is no assignment of the person as it is recorded now.",
        )
        problem = FieldProblem(field="assignment_id", code="assignment.unknown", message=message)
        raise Invalid(message, fields=(problem,))
    return segment


def _not_assigned(field: str) -> Invalid:
    message = Text(
        ja="その日に配属がありません。所属を指定してください。",
        en="There is no assignment on that day; give an org unit.",
    )
    return Invalid(message, fields=(FieldProblem(field=field, code="person.not_assigned", message=message),))


def _nothing_changes() -> Invalid:
    return Invalid(
        Text(ja="いまの記録と同じ内容です。", en="This is what is recorded already."), code="nothing_changes"
    )


def _backwards(field: str) -> Invalid:
    message = Text(ja="終わりが始まりより前になっています。", en="The end lies before the beginning.")
    return Invalid(message, fields=(FieldProblem(field=field, code="period.backwards", message=message),))
