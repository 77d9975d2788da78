"""All rows of one person become one plan: who they are, their spells of employment, and their posts.

Pure. A blank cell changes nothing. Problems are written on the row that causes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from hrx.app.people.employees.importing.cells import Value
from hrx.app.people.employees.importing.changes import ChangeNotes, last_day, shown
from hrx.app.people.employees.importing.posts import PostDrafter, SpellDraft, finish, new_draft
from hrx.app.people.employees.importing.state import (
    NAME_FIELDS,
    PRIVATE_FIELDS,
    Change,
    PersonPlan,
    PersonState,
    Record,
    SpellState,
)
from hrx.app.people.employees.importing.timeline import FOREVER, ONE_DAY, fit_to_spell
from hrx.app.people.employees.importing.validating import ParsedRow

_PERSON_FIELDS: Final = (*NAME_FIELDS, "work_email", *PRIVATE_FIELDS)


@dataclass(slots=True)
class Drafted:
    """A person's plan with what each of their rows changes."""

    plan: PersonPlan
    changes: dict[int, list[Change]]


def plan_person(number: str, rows: Sequence[ParsedRow], *, record: Record) -> Drafted | None:
    """The plan for one person, or None when any of their rows has a problem (then it says so)."""
    state = record.people.get(number)
    drafter = _Drafter(number, rows, state, record)
    plan = drafter.draft()
    return Drafted(plan, drafter.notes.by_row) if all(row.is_clean for row in rows) else None


class _Drafter:
    """Works through the rows of one person; every problem it meets goes onto its row."""

    def __init__(
        self, number: str, rows: Sequence[ParsedRow], state: PersonState | None, record: Record
    ) -> None:
        self._number = number
        self._rows = rows
        self._state = state
        self._record = record
        self.notes = ChangeNotes(record, is_wanted=state is not None)

    def draft(self) -> PersonPlan:
        merged = merge(self._rows, _PERSON_FIELDS)
        spells = self._draft_spells()
        posts = PostDrafter(self._number, self._record, self.notes)
        for spell in spells:
            posts.draft(spell)
        return PersonPlan(
            number=self._number,
            person_id=self._state.person_id if self._state else None,
            names=self._names(merged),
            work_email=self._email(merged),
            is_email_changed=self._is_email_changed(merged),
            private=self._private(merged),
            spells=[plan for spell in spells if (plan := finish(spell)).does_something],
        )

    # ── the person ────────────────────────────────────────────────────────────────────────────────
    def _names(self, merged: dict[str, Value]) -> dict[str, str] | None:
        before = self._state.names if self._state else dict.fromkeys(NAME_FIELDS, "")
        after = {name: str(merged.get(name, before[name]) or "") for name in NAME_FIELDS}
        if not (after["family_kanji"] or after["family_latin"]):
            self._rows[0].require("family_kanji")
        if self._state and after == before:
            return None
        self.notes.note(self._rows[0].number, before, after)
        return after

    def _email(self, merged: dict[str, Value]) -> str | None:
        email = merged.get("work_email", self._state.work_email if self._state else None)
        if not isinstance(email, str):
            return None
        owner = self._record.email_owners.get(email)
        if owner is not None and owner != self._number:
            self._rows[0].refuse("work_email", "email.taken", other=owner)
        return email

    def _is_email_changed(self, merged: dict[str, Value]) -> bool:
        before = self._state.work_email if self._state else None
        if "work_email" not in merged or merged["work_email"] == before:
            return False
        self.notes.note(self._rows[0].number, {"work_email": before}, {"work_email": merged["work_email"]})
        return True

    def _private(self, merged: dict[str, Value]) -> dict[str, Value] | None:
        before = self._state.private if self._state else {}
        after = {name: merged.get(name, before.get(name)) for name in PRIVATE_FIELDS}
        birth_on = after["birth_on"]
        if isinstance(birth_on, date) and birth_on > self._record.today:
            self._rows[0].refuse("birth_on", "date.future_birth")
        if all(after[name] == before.get(name) for name in PRIVATE_FIELDS):
            return None
        self.notes.note(self._rows[0].number, before, after)
        return after

    # ── spells of employment ──────────────────────────────────────────────────────────────────────
    def _draft_spells(self) -> list[SpellDraft]:
        drafts: dict[date, SpellDraft] = {}
        for row in self._rows:
            found = self._find_spell(row)
            if found is None:
                continue
            state, hired = found
            if hired not in drafts:
                drafts[hired] = new_draft(state, hired)
            drafts[hired].rows.append(row)
        for spell in drafts.values():
            self._settle_spell(spell)
        self._refuse_overlaps(drafts)
        return list(drafts.values())

    def _find_spell(self, row: ParsedRow) -> tuple[SpellState | None, date] | None:
        recorded = self._state.spells if self._state else []
        hired = row.day("hired_on")
        if hired is None:
            return self._spell_without_hire(row, recorded)
        for spell in recorded:
            if spell.hired == hired:
                return spell, hired
        if any(spell.end > hired for spell in recorded) and not self._is_earlier_spell(row, hired, recorded):
            recorded_days = "、".join(spell.hired.isoformat() for spell in recorded)
            row.refuse("hired_on", "employment.hire_differs", recorded=recorded_days)
            return None
        return None, hired

    def _is_earlier_spell(self, row: ParsedRow, hired: date, recorded: list[SpellState]) -> bool:
        left = row.day("left_on")
        return left is not None and all(left < spell.hired or spell.end <= hired for spell in recorded)

    def _spell_without_hire(
        self, row: ParsedRow, recorded: list[SpellState]
    ) -> tuple[SpellState | None, date] | None:
        day = row.day("valid_from")
        if recorded:
            spell = _spell_on(recorded, day or self._record.today) or (None if day else recorded[-1])
            if spell is not None:
                return spell, spell.hired
        in_file = sorted({d for other in self._rows if (d := other.day("hired_on")) is not None})
        earlier = [hired for hired in in_file if day is None or hired <= day]
        if earlier:
            return None, earlier[-1]
        if recorded and day is not None:
            last = recorded[-1]
            row.refuse(
                "valid_from",
                "person.no_spell",
                value=day.isoformat(),
                hired=last.hired.isoformat(),
                left="-" if last.end == FOREVER else (last.end - ONE_DAY).isoformat(),
            )
        else:
            row.require("hired_on")
        return None

    def _settle_spell(self, spell: SpellDraft) -> None:
        """First day, last day and kind of a spell, as its rows agree on them."""
        merged = merge(spell.rows, ("left_on", "employment_kind"))
        first = spell.rows[0]
        before: dict[str, Value] = {
            "left_on": last_day(spell.end) if spell.state else None,
            "employment_kind": spell.kind,
        }
        kind = merged.get("employment_kind")
        spell.kind = kind if isinstance(kind, str) else spell.kind
        if "left_on" in merged:
            left = merged["left_on"]
            new_end = left + ONE_DAY if isinstance(left, date) else FOREVER
            if new_end <= spell.hired:
                first.refuse(
                    "left_on", "date.left_before_hired", left=str(left), hired=spell.hired.isoformat()
                )
                return
            spell.primary = fit_to_spell(spell.primary, old_end=spell.end, new_end=new_end)
            spell.concurrent = fit_to_spell(spell.concurrent, old_end=spell.end, new_end=new_end)
            spell.end = new_end
        if self._state is None:
            return
        if spell.state is None:
            before = {"hired_on": None}
        after: dict[str, Value] = {
            "left_on": last_day(spell.end),
            "employment_kind": spell.kind,
            "hired_on": spell.hired,
        }
        self.notes.note(first.number, before, {name: after[name] for name in before})

    def _refuse_overlaps(self, drafts: dict[date, SpellDraft]) -> None:
        ends = {spell.hired: spell.end for spell in (self._state.spells if self._state else ())}
        ends.update({hired: spell.end for hired, spell in drafts.items()})
        days = sorted(ends)
        for earlier, later in pairwise(days):
            if ends[earlier] > later:
                draft = drafts.get(later) or drafts[earlier]
                draft.rows[0].refuse("hired_on", "employment.overlap", recorded=earlier.isoformat())


def merge(rows: Iterable[ParsedRow], names: Sequence[str]) -> dict[str, Value]:
    """What several rows of one person agree on; a row that disagrees with an earlier one is refused."""
    merged: dict[str, Value] = {}
    said_by: dict[str, int] = {}
    for row in rows:
        for name in names:
            if name not in row.values:
                continue
            if name not in merged:
                merged[name] = row.values[name]
                said_by[name] = row.number
            elif merged[name] != row.values[name]:
                other = shown(merged[name]) or ""
                row.refuse(name, "row.contradicts", first_row=str(said_by[name]), other=other)
    return merged


def _spell_on(spells: list[SpellState], day: date) -> SpellState | None:
    return next((spell for spell in spells if spell.hired <= day < spell.end), None)
