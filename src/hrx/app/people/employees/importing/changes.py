"""What an import changes, field by field, in the words that people see and files use.

Pure. Only changes of recorded people are noted: of a new person everything is new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from hrx.app.people.employees.importing.cells import Value
from hrx.app.people.employees.importing.state import Change, Record
from hrx.app.people.employees.importing.timeline import FOREVER, ONE_DAY, Segment


@dataclass(slots=True)
class ChangeNotes:
    """Changes of one recorded person, by the row that causes them."""

    record: Record
    is_wanted: bool
    by_row: dict[int, list[Change]] = field(default_factory=dict)

    def note(self, row_number: int, before: Mapping[str, Value], after: Mapping[str, Value]) -> None:
        """Note every field of `after` that differs; empty text and nothing are the same."""
        if not self.is_wanted:
            return
        found = self.by_row.setdefault(row_number, [])
        for name, value in after.items():
            old = before.get(name)
            if (old or None) != (value or None):
                found.append(Change(field=name, before=shown(old), after=shown(value)))

    def note_post(self, row_number: int, before: Segment | None, after: Segment | None, on: date) -> None:
        """Note how the post that counts on a day changes."""
        if not self.is_wanted:
            return
        old, new = self._terms(before, on), self._terms(after, on)
        found = self.by_row.setdefault(row_number, [])
        found.extend(
            Change(field=name, before=old[name], after=new[name]) for name in new if old[name] != new[name]
        )
        if before is not None and after is not None and before.end != after.end and not found:
            ends = [shown(last_day(segment.end)) for segment in (before, after)]
            found.append(Change(field="valid_to", before=ends[0], after=ends[1]))

    def _terms(self, segment: Segment | None, on: date) -> dict[str, str | None]:
        if segment is None:
            return dict.fromkeys(("org_unit", "position", "manager_number", "grade", "fte"))
        terms = segment.terms
        return {
            "org_unit": self.record.units.label(terms.unit, on),
            "position": self.record.positions.label(terms.position) if terms.position is not None else None,
            "manager_number": terms.manager,
            "grade": terms.grade,
            "fte": str(terms.fte),
        }


def last_day(end: date) -> date | None:
    """The last day of a half-open period, None when it is open."""
    return None if end == FOREVER else end - ONE_DAY


def shown(value: Value) -> str | None:
    """A value as a file would write it; nothing is None."""
    if value is None or value == "":
        return None
    return value.isoformat() if isinstance(value, date) else str(value)
