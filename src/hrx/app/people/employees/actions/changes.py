"""What an order changes, said for people: field, before, after; names in both languages."""

from __future__ import annotations

from datetime import date

from hrx.app.people.employees.queries.records import ReferenceKind, References
from hrx.app.people.employees.record import Segment

Change = dict[str, object]

_REFERS: tuple[tuple[ReferenceKind, str], ...] = (
    ("org_unit", "org_unit_id"),
    ("position", "position_id"),
    ("manager", "manager_id"),
)


def describe_segment_change(
    references: References, *, before: Segment | None, after: Segment | None
) -> list[Change]:
    """The fields of an assignment that differ; all that are filled when it is new or ends."""
    changes: list[Change] = []
    for kind, attribute in _REFERS:
        old, new = (
            getattr(segment, attribute) if segment is not None else None for segment in (before, after)
        )
        if old != new:
            changes.append(
                {
                    "field": kind,
                    "before": _label(references, kind, old),
                    "after": _label(references, kind, new),
                }
            )
    for name in ("grade", "fte"):
        old, new = (_plain(getattr(segment, name)) if segment else None for segment in (before, after))
        if old != new:
            changes.append({"field": name, "before": old, "after": new})
    return changes


def describe_day(field: str, *, before: date | None, after: date | None) -> list[Change]:
    """A day that moves."""
    if before == after:
        return []
    return [
        {
            "field": field,
            "before": before.isoformat() if before else None,
            "after": after.isoformat() if after else None,
        }
    ]


def _label(references: References, kind: ReferenceKind, ref_id: int | None) -> object:
    if ref_id is None:
        return None
    found = references.get((kind, ref_id))
    return found.label if found is not None else {"id": ref_id, "ja": f"#{ref_id}", "en": f"#{ref_id}"}


def _plain(value: object) -> str | None:
    """A number without its trailing zeros: 0.500 is 0.5."""
    if value is None:
        return None
    written = str(value)
    return written.rstrip("0").rstrip(".") if "." in written else written
