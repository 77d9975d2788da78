"""Orders about somebody who is employed: transfer, concurrent posts, departure, correction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees import planning
from hrx.app.people.employees.actions.changes import describe_day, describe_segment_change
from hrx.app.people.employees.actions.ordering import Asking, Outcome, ask_for, carries_out, preview
from hrx.app.people.employees.actions.recording import record_rewrite
from hrx.app.people.employees.actions.warnings import (
    Warning,
    check_references,
    warn_of_departure,
    warn_of_later_changes,
)
from hrx.app.people.employees.inputs import (
    ConcurrentPost,
    ConcurrentPostEnd,
    Correction,
    Departure,
    Input,
    Transfer,
)
from hrx.app.people.employees.queries.records import get_record
from hrx.app.people.employees.record import PersonRecord, Rewrite, Segment

_ONE_DAY = timedelta(days=1)
Asked = TypeVar("Asked", bound=Input)


async def transfer_employee(session: AsyncSession, *, person_id: int, asked: Transfer) -> int:
    """Move somebody on a day; gives the change order's id."""
    return await _ask(session, "transfer", person_id, asked.effective_on, asked, asked.reason)


async def preview_transfer(session: AsyncSession, *, person_id: int, asked: Transfer) -> Outcome:
    """What `transfer_employee` would do, checked as far as the principal may write."""
    await get_record(session, person_id)
    return await preview(
        session,
        kind="transfer",
        effective_on=asked.effective_on,
        payload=asked.stored(),
        person_id=person_id,
    )


async def add_concurrent_post(session: AsyncSession, *, person_id: int, asked: ConcurrentPost) -> int:
    """A second post beside the primary one."""
    return await _ask(session, "concurrent_post", person_id, asked.from_on, asked, asked.reason)


async def end_concurrent_post(session: AsyncSession, *, person_id: int, asked: ConcurrentPostEnd) -> int:
    """A concurrent post ends after its last day."""
    return await _ask(session, "concurrent_end", person_id, asked.ends_on + _ONE_DAY, asked, asked.reason)


async def depart_employee(session: AsyncSession, *, person_id: int, asked: Departure) -> int:
    """Employment ends after its last day."""
    return await _ask(session, "departure", person_id, asked.left_on, asked, asked.reason)


async def correct_assignments(session: AsyncSession, *, person_id: int, asked: Correction) -> int:
    """Put right what was recorded wrongly; yesterday's report, as known yesterday, stays as it was."""
    return await _ask(session, "correction", person_id, asked.valid_from, asked, asked.reason)


async def _ask(session: AsyncSession, kind: str, person_id: int, day: date, asked: Input, reason: str) -> int:
    # Absent and invisible look the same, before anything else is said about the request.
    await get_record(session, person_id)
    return await ask_for(
        session, kind=kind, effective_on=day, reason=reason, payload=asked.stored(), person_id=person_id
    )


@carries_out("transfer", by_managers=True)
async def _carry_out_transfer(session: AsyncSession, order: Asking, *, is_preview: bool) -> Outcome:
    return await _carry_out(
        session, order, plan=_planner(Transfer, planning.plan_transfer, order.payload), is_preview=is_preview
    )


@carries_out("concurrent_post", by_managers=True)
async def _carry_out_post(session: AsyncSession, order: Asking, *, is_preview: bool) -> Outcome:
    plan = _planner(ConcurrentPost, planning.plan_concurrent_post, order.payload)
    return await _carry_out(session, order, plan=plan, is_preview=is_preview)


@carries_out("concurrent_end", by_managers=True)
async def _carry_out_post_end(session: AsyncSession, order: Asking, *, is_preview: bool) -> Outcome:
    plan = _planner(ConcurrentPostEnd, planning.plan_concurrent_post_end, order.payload)
    return await _carry_out(session, order, plan=plan, is_preview=is_preview)


@carries_out("correction")
async def _carry_out_correction(session: AsyncSession, order: Asking, *, is_preview: bool) -> Outcome:
    plan = _planner(Correction, planning.plan_correction, order.payload)
    return await _carry_out(session, order, plan=plan, is_preview=is_preview)


@carries_out("departure", by_managers=True)
async def _carry_out_departure(session: AsyncSession, order: Asking, *, is_preview: bool) -> Outcome:
    plan = _planner(Departure, planning.plan_departure, order.payload)
    return await _carry_out(session, order, plan=plan, is_preview=is_preview)


Plan = Callable[[PersonRecord], Rewrite]


def _planner(
    shape: type[Asked], plan: Callable[[PersonRecord, Asked], Rewrite], payload: dict[str, Any]
) -> Plan:
    asked = shape.model_validate(payload)
    return lambda record: plan(record, asked)


async def _carry_out(session: AsyncSession, order: Asking, *, plan: Plan, is_preview: bool) -> Outcome:
    """Plan on the record as it is now, check what it refers to, and write it unless it is a preview."""
    assert order.person_id is not None  # noqa: S101 - these kinds are always about a person
    record = await get_record(session, order.person_id)
    rewrite = plan(record)
    references, warnings = await check_references(
        session, rewrite.new_segments, person_id=record.person_id, also=rewrite.closed_segments
    )
    warnings += warn_of_later_changes(record, rewrite)
    if rewrite.opened_spells and order.kind == "departure":
        warnings += await _departure_warnings(session, record, rewrite)
    changes = _describe(record, rewrite, references)
    if not is_preview:
        await record_rewrite(session, person_id=record.person_id, rewrite=rewrite, order_id=order.id)
    return Outcome(
        person_id=record.person_id,
        changes=changes,
        warnings=warnings,
        before=record.segments,
        after=rewrite.applied_to(record).segments,
    )


async def _departure_warnings(session: AsyncSession, record: PersonRecord, rewrite: Rewrite) -> list[Warning]:
    day = rewrite.opened_spells[0].until_on
    return [] if day is None else await warn_of_departure(session, record=record, rewrite=rewrite, day=day)


def _describe(record: PersonRecord, rewrite: Rewrite, references: Any) -> list[dict[str, object]]:
    changes: list[dict[str, object]] = []
    for old, new in zip(rewrite.closed_spells, rewrite.opened_spells, strict=True):
        changes += describe_day("hired_on", before=old.from_on, after=new.from_on)
        changes += describe_day("left_on", before=_last_day(old.until_on), after=_last_day(new.until_on))
    for segment in rewrite.new_segments:
        changes += describe_segment_change(references, before=_replaced(rewrite, segment), after=segment)
    if not rewrite.new_segments and not rewrite.closed_spells:
        # A concurrent post that ends: the post itself is what changes.
        for segment in rewrite.closed_segments:
            changes += describe_segment_change(references, before=segment, after=None)
    return changes


def _replaced(rewrite: Rewrite, segment: Segment) -> Segment | None:
    """What held on the first day of a new assignment until now."""
    return next(
        (
            old
            for old in rewrite.closed_segments
            if old.kind == segment.kind and old.holds_on(segment.from_on)
        ),
        None,
    )


def _last_day(until_on: date | None) -> date | None:
    return until_on - _ONE_DAY if until_on is not None else None
