"""The posts of one spell, after what the rows of a file say about them.

Pure. A row without 適用日 counts from the hire date in a new spell and from today in a recorded one. Problems
are written on the row that causes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from hrx.app.people.employees.importing.changes import ChangeNotes
from hrx.app.people.employees.importing.fields import FIELDS, FieldGroup
from hrx.app.people.employees.importing.problems import Problem
from hrx.app.people.employees.importing.references import ReferenceRefused
from hrx.app.people.employees.importing.state import Record, SpellPlan, SpellState
from hrx.app.people.employees.importing.timeline import (
    FOREVER,
    ONE_DAY,
    PeriodsOverlap,
    Ref,
    Segment,
    Terms,
    change_concurrent,
    change_primary,
    find_segment,
)
from hrx.app.people.employees.importing.validating import ParsedRow

#: A row that has none of these says nothing about posts.
_POST_FIELDS: Final = frozenset(
    described.name for described in FIELDS if described.group is FieldGroup.ASSIGNMENT
) - {"valid_from", "valid_to", "assignment_kind"}
_FULL_TIME: Final = Decimal("1.000")
#: A second post takes no working time unless the file says so.
_NO_TIME: Final = Decimal("0.000")
_NO_TERMS: Final = {"position": None, "manager": None, "grade": None}
_Given = dict[str, Ref | str | Decimal | None]


@dataclass(slots=True)
class SpellDraft:
    """One spell in the making."""

    state: SpellState | None
    hired: date
    rows: list[ParsedRow]
    kind: str
    end: date
    primary: list[Segment]
    concurrent: list[Segment]


@dataclass(frozen=True, slots=True)
class PostDrafter:
    """Works the rows of one person's spells into their posts."""

    number: str
    record: Record
    notes: ChangeNotes

    def draft(self, spell: SpellDraft) -> None:
        dated = sorted(
            ((self._effective_on(row, spell), row) for row in spell.rows if _says_post(row, spell)),
            key=lambda item: (item[0], item[1].number),
        )
        previous: tuple[date, ParsedRow] | None = None
        for start, row in dated:
            end = self._check_period(row, start, spell)
            is_primary = row.values.get("assignment_kind") != "concurrent"
            if is_primary and previous is not None:
                self._refuse_file_overlap(row, start, previous)
            if row.is_clean:
                self._apply(row, start, end, spell, is_primary=is_primary)
            if is_primary:
                previous = (start, row)
        self._warn_gap(spell)

    def _effective_on(self, row: ParsedRow, spell: SpellDraft) -> date:
        given = row.day("valid_from")
        if given is not None:
            return given
        if spell.state is None:
            return spell.hired
        return min(max(self.record.today, spell.hired), spell.end - ONE_DAY)

    def _check_period(self, row: ParsedRow, start: date, spell: SpellDraft) -> date | None:
        """The day after the row's last one when it names one; refuses days outside the spell."""
        if start < spell.hired:
            row.refuse(
                "valid_from", "date.before_hire", value=start.isoformat(), hired=spell.hired.isoformat()
            )
        elif start >= spell.end:
            left = (spell.end - ONE_DAY).isoformat()
            row.refuse("valid_from", "date.after_leaving", value=start.isoformat(), left=left)
        last = row.day("valid_to")
        if last is None:
            return spell.end if "valid_to" in row.values else None
        if last < start:
            row.refuse("valid_to", "date.backwards", to=last.isoformat(), value=start.isoformat())
        return last + ONE_DAY

    def _refuse_file_overlap(self, row: ParsedRow, start: date, previous: tuple[date, ParsedRow]) -> None:
        other_start, other = previous
        other_last = other.day("valid_to")
        if other_last is not None and other_last >= start and other_start != start:
            row.refuse(
                "valid_from", "date.overlap", first_row=str(other.number), other=other_start.isoformat()
            )

    def _apply(
        self, row: ParsedRow, start: date, end: date | None, spell: SpellDraft, *, is_primary: bool
    ) -> None:
        try:
            patch = _Patch(self._given_terms(row, start), fte=_FULL_TIME if is_primary else _NO_TIME)
            if is_primary:
                before = find_segment(spell.primary, start)
                spell.primary = change_primary(
                    spell.primary, start=start, end=end, patch=patch, spell_end=spell.end
                )
                after = find_segment(spell.primary, start)
            else:
                unchanged = spell.concurrent
                spell.concurrent = change_concurrent(
                    unchanged, start=start, end=end, patch=patch, spell_end=spell.end
                )
                key = patch(None)[:2]
                before = find_segment((s for s in unchanged if s.terms[:2] == key), start)
                after = find_segment((s for s in spell.concurrent if s.terms[:2] == key), start)
        except ReferenceRefused as refused:
            row.refuse(refused.column, refused.code, **refused.values)
        except PeriodsOverlap as overlap:
            row.refuse("valid_from", "date.overlap_recorded", other=overlap.other.isoformat())
        else:
            self.notes.note_post(row.number, before, after, start)

    def _given_terms(self, row: ParsedRow, on: date) -> _Given:
        """What a row says about a post, with names resolved; only the cells that were filled."""
        values = row.values
        given: _Given = {}
        if values.get("org_unit") or values.get("org_unit_code"):
            given["unit"] = self.record.units.resolve(
                text=row.text("org_unit"), code=row.text("org_unit_code"), on=on
            )
        if "position" in values:
            title = row.text("position")
            given["position"] = self.record.positions.resolve(title, on=on) if title else None
        if "manager_number" in values:
            given["manager"] = row.text("manager_number")
            if given["manager"] == self.number:
                raise ReferenceRefused("manager_number", "manager.self")
        if "grade" in values:
            given["grade"] = row.text("grade")
        if "fte" in values:
            fte = values["fte"]
            given["fte"] = fte if isinstance(fte, Decimal) else _FULL_TIME
        return given

    def _warn_gap(self, spell: SpellDraft) -> None:
        if spell.state is None and spell.primary and spell.primary[0].start > spell.hired:
            values = {"hired": spell.hired.isoformat(), "value": spell.primary[0].start.isoformat()}
            spell.rows[0].problems.append(
                Problem(column="valid_from", code="person.gap", values=values, is_warning=True)
            )


class _Patch:
    """The terms after a row, from those before it; `fte` is a new post's unless the row says otherwise.

    Raises ReferenceRefused when a new post has no unit."""

    def __init__(self, given: _Given, *, fte: Decimal) -> None:
        self._given = given
        self._fte = fte

    def __call__(self, before: Terms | None) -> Terms:
        if before is None and "unit" not in self._given:
            raise ReferenceRefused("org_unit", "cell.required")
        known: dict[str, object] = before._asdict() if before else {**_NO_TERMS, "fte": self._fte}
        terms = {**known, **self._given}
        # The names and types of `_Given` are those of Terms: see `_given_terms`.
        return Terms(**terms)  # type: ignore[arg-type]


def new_draft(state: SpellState | None, hired: date) -> SpellDraft:
    return SpellDraft(
        state=state,
        hired=hired,
        rows=[],
        kind=state.kind if state else "regular",
        end=state.end if state else FOREVER,
        primary=list(state.primary) if state else [],
        concurrent=list(state.concurrent) if state else [],
    )


def finish(spell: SpellDraft) -> SpellPlan:
    state = spell.state
    before = [*state.primary, *state.concurrent] if state else []
    after = [*spell.primary, *spell.concurrent]
    kept = {segment.recorded_id for segment in after}
    return SpellPlan(
        spell_id=state.spell_id if state else None,
        version_id=state.version_id if state else None,
        is_changed=state is None or (state.kind, state.end) != (spell.kind, spell.end),
        kind=spell.kind,
        hired=spell.hired,
        end=spell.end,
        closed=[s.recorded_id for s in before if s.recorded_id is not None and s.recorded_id not in kept],
        opened=[segment for segment in after if segment.recorded_id is None],
    )


def _says_post(row: ParsedRow, spell: SpellDraft) -> bool:
    return spell.state is None or not _POST_FIELDS.isdisjoint(row.values)
