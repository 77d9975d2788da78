"""The whole file against the record: one plan that says, row by row, what would be written.

Pure and repeatable: the same rows against the same record give the same digest, which is how a commit knows
that nothing changed since the check."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import date
from operator import attrgetter
from typing import Final

from hrx.app.people.employees.importing.persons import Drafted, plan_person
from hrx.app.people.employees.importing.state import (
    Change,
    ImportPlan,
    PersonPlan,
    Record,
    ReportingLine,
    SpellPlan,
)
from hrx.app.people.employees.importing.timeline import Ref, Segment
from hrx.app.people.employees.importing.validating import ParsedRow

#: Nobody has a chain of this many managers; a longer walk is a cycle further up, refused where it is made.
_MAX_CHAIN = 60


def plan_import(
    rows: Sequence[ParsedRow], *, record: Record, on_progress: Callable[[int], None] | None = None
) -> ImportPlan:
    """Plan every person of the file; problems are added to the rows that cause them.

    A person with a problem in any row is left out whole, and so is whoever would report to them."""
    groups = group_rows(rows)
    _refuse_duplicates(groups)
    _refuse_shared_emails(groups)
    drafted = _draft_people(groups, record, on_progress)
    _refuse_unknown_managers(drafted, groups, record)
    _refuse_cycles(drafted, groups, record)
    _leave_out_dependents(drafted, groups, record)
    return _finish(rows, groups, drafted, record)


def group_rows(rows: Iterable[ParsedRow]) -> dict[str, list[ParsedRow]]:
    """Rows by employee number, in file order; a row without a number is refused."""
    groups: dict[str, list[ParsedRow]] = defaultdict(list)
    for row in rows:
        number = row.text("employee_number")
        if number is not None:
            groups[number].append(row)
        else:
            row.require("employee_number")
    return groups


def group_numbers(rows: Iterable[ParsedRow]) -> set[str]:
    """Every employee number that the file speaks of."""
    return {number for row in rows if (number := row.text("employee_number")) is not None}


def _refuse_duplicates(groups: dict[str, list[ParsedRow]]) -> None:
    """The same person, day and post twice: nobody can know which is right, so the later is refused."""
    for rows in groups.values():
        if len(rows) == 1:
            continue
        first: dict[tuple[object, ...], int] = {}
        for row in rows:
            values = row.values
            key: tuple[object, ...] = (values.get("hired_on"), values.get("valid_from"))
            if values.get("assignment_kind") == "concurrent":
                key += (values.get("org_unit"), values.get("org_unit_code"), values.get("position"))
            if key in first:
                row.refuse("", "row.duplicate", first_row=str(first[key]))
            else:
                first[key] = row.number


def _refuse_shared_emails(groups: dict[str, list[ParsedRow]]) -> None:
    owners: dict[str, tuple[str, int]] = {}
    for number, rows in groups.items():
        for row in rows:
            email = row.text("work_email")
            if email is None:
                continue
            owner, first_row = owners.setdefault(email, (number, row.number))
            if owner != number:
                row.refuse("work_email", "email.duplicate_in_file", first_row=str(first_row))


def _draft_people(
    groups: dict[str, list[ParsedRow]], record: Record, on_progress: Callable[[int], None] | None
) -> dict[str, Drafted]:
    drafted: dict[str, Drafted] = {}
    done = 0
    for number, rows in groups.items():
        draft = plan_person(number, rows, record=record)
        if draft is not None:
            drafted[number] = draft
        done += len(rows)
        if on_progress is not None and done // 1000 != (done - len(rows)) // 1000:
            on_progress(done)
    return drafted


def _refuse_unknown_managers(
    drafted: dict[str, Drafted], groups: dict[str, list[ParsedRow]], record: Record
) -> None:
    for number in list(drafted):
        for row in groups[number]:
            manager = row.text("manager_number")
            if manager is not None and manager not in groups and manager not in record.person_ids:
                row.refuse("manager_number", "manager.unknown", value=manager)
                drafted.pop(number, None)


def _refuse_cycles(drafted: dict[str, Drafted], groups: dict[str, list[ParsedRow]], record: Record) -> None:
    """Refuse whoever would, on some day, be above themselves."""
    planned = {number: _planned_lines(draft.plan, record) for number, draft in drafted.items()}
    for number, draft in list(drafted.items()):
        for segment in _opened_primary(draft.plan):
            chain = _find_cycle(number, segment, planned, record)
            if chain is not None:
                row = _row_naming(groups[number], segment.terms.manager)
                row.refuse("manager_number", "manager.cycle", chain=" → ".join(chain))
                drafted.pop(number, None)
                break


def _planned_lines(plan: PersonPlan, record: Record) -> list[ReportingLine] | None:
    """Reporting lines after the plan, or None when the plan leaves them as recorded."""
    if not plan.spells:
        return None
    gone = {row_id for spell in plan.spells for row_id in spell.closed}
    state = record.people.get(plan.number)
    kept = [
        segment
        for spell in (state.spells if state else ())
        for segment in spell.primary
        if segment.recorded_id not in gone
    ]
    return [
        ReportingLine(segment.start, segment.end, segment.terms.manager)
        for segment in (*kept, *_opened_primary(plan))
        if segment.terms.manager is not None
    ]


def _opened_primary(plan: PersonPlan) -> list[Segment]:
    return [s for spell in plan.spells for s in spell.opened if s.kind == "primary" and s.terms.manager]


def _find_cycle(
    number: str, segment: Segment, planned: dict[str, list[ReportingLine] | None], record: Record
) -> list[str] | None:
    """The chain of managers that leads back to `number` while the segment lasts, or None."""
    stack = [([number, segment.terms.manager or ""], segment.start, segment.end)]
    while stack:
        chain, start, end = stack.pop()
        lines = planned.get(chain[-1])
        for line in record.lines.get(chain[-1], ()) if lines is None else lines:
            low, high = max(start, line.start), min(end, line.end)
            if low >= high:
                continue
            if line.manager == number:
                return [*chain, number]
            if line.manager not in chain and len(chain) < _MAX_CHAIN:
                stack.append(([*chain, line.manager], low, high))
    return None


def _row_naming(rows: list[ParsedRow], manager: str | None) -> ParsedRow:
    return next((row for row in rows if row.values.get("manager_number") == manager), rows[0])


def _leave_out_dependents(
    drafted: dict[str, Drafted], groups: dict[str, list[ParsedRow]], record: Record
) -> None:
    """Who reports to a new person that cannot be taken in cannot be taken in either, all the way down."""
    reports: dict[str, list[ParsedRow]] = defaultdict(list)
    for number in drafted:
        for row in groups[number]:
            manager = row.text("manager_number")
            if manager is not None and manager not in record.person_ids:
                reports[manager].append(row)
    refused = [manager for manager in reports if manager not in drafted]
    while refused:
        manager = refused.pop()
        bad_row = next((row.number for row in groups.get(manager, ()) if not row.is_clean), 0)
        for row in reports.pop(manager, ()):
            row.refuse("manager_number", "manager.has_errors", value=manager, first_row=str(bad_row))
            number = row.text("employee_number") or ""
            if drafted.pop(number, None) is not None:
                refused.append(number)


def _finish(
    rows: Sequence[ParsedRow],
    groups: dict[str, list[ParsedRow]],
    drafted: dict[str, Drafted],
    record: Record,
) -> ImportPlan:
    for number, members in groups.items():
        if number not in drafted and len(members) > 1:
            _mark_siblings(members)
    changes: dict[int, list[Change]] = {}
    for draft in drafted.values():
        changes.update({row: found for row, found in draft.changes.items() if found})
    people = [draft.plan for draft in drafted.values() if draft.plan.does_something]
    _keep_needed(people, record)
    actions = {row.number: _action(row, drafted, changes) for row in rows}
    return ImportPlan(
        people=people,
        actions=actions,
        changes=changes,
        new_units=sorted(record.units.created.values(), key=lambda unit: unit.key),
        new_positions=sorted(record.positions.created.values(), key=lambda position: position.key),
        digest=_digest(people, rows),
    )


def _mark_siblings(rows: list[ParsedRow]) -> None:
    """Rows without a problem of their own still say why they are not taken in."""
    bad = next((row.number for row in rows if not row.is_clean), None)
    for row in rows:
        if bad is not None and row.is_clean:
            row.refuse("", "row.person_has_errors", first_row=str(bad))


def _action(row: ParsedRow, drafted: dict[str, Drafted], changes: dict[int, list[Change]]) -> str:
    draft = drafted.get(row.text("employee_number") or "")
    if draft is None:
        return "error"
    if draft.plan.person_id is None:
        return "create"
    return "update" if row.number in changes else "unchanged"


def _keep_needed(people: Iterable[PersonPlan], record: Record) -> None:
    """Forget units and positions that only refused rows asked for, and date the others by who needs them."""
    units, positions = record.units.created, record.positions.created
    unit_days: dict[str, date] = {}
    position_days: dict[str, date] = {}
    for plan in people:
        for spell in plan.spells:
            for segment in spell.opened:
                at: Ref | None = segment.terms.unit
                while isinstance(at, str):
                    unit_days[at] = min(unit_days.get(at, segment.start), segment.start)
                    at = units[at].parent
                if isinstance(segment.terms.position, str):
                    key = segment.terms.position
                    position_days[key] = min(position_days.get(key, segment.start), segment.start)
    for key in set(units) - set(unit_days):
        del units[key]
    for key in set(positions) - set(position_days):
        del positions[key]
    for key, day in unit_days.items():
        units[key].start = day
    for key, day in position_days.items():
        positions[key].start = day


def _digest(people: Iterable[PersonPlan], rows: Iterable[ParsedRow]) -> str:
    """SHA-256 over what would be written and which rows would not."""
    hashed = hashlib.sha256()
    for plan in people:
        hashed.update(repr(_spelled_out(plan)).encode(errors="surrogatepass"))
    for row in rows:
        if not row.is_clean:
            hashed.update(f"{row.number}:{sorted(p.code for p in row.problems)}".encode())
    return hashed.hexdigest()


def _spelled_out(plan: PersonPlan) -> tuple[object, ...]:
    """All of a plan as plain tuples; the text of dataclasses takes three times as long to make."""
    spells = [
        (_SPELL(spell), [(_SEGMENT(segment), tuple(segment.terms)) for segment in spell.opened])
        for spell in plan.spells
    ]
    return _PERSON(plan), spells


def _all_but(kind: type[PersonPlan | SpellPlan | Segment], nested: str) -> Callable[[object], object]:
    return attrgetter(*(described.name for described in fields(kind) if described.name != nested))


_PERSON: Final = _all_but(PersonPlan, "spells")
_SPELL: Final = _all_but(SpellPlan, "opened")
_SEGMENT: Final = _all_but(Segment, "terms")
