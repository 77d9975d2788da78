"""What a change does to the versions of an org unit. Pure; days are half-open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from hrx.kit.errors import FieldProblem, Invalid, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitVersion:
    """A unit as it stands for some days. `id` is None before it is written."""

    id: int | None
    org_unit_id: int
    name_ja: str
    name_en: str
    parent_id: int | None
    kind: str
    head_person_id: int | None
    from_on: date
    until_on: date | None
    #: The order these facts come from; None with `is_remainder` False: the order being carried out.
    order_id: int | None = None
    is_remainder: bool = False

    def holds_on(self, day: date) -> bool:
        return self.from_on <= day and (self.until_on is None or day < self.until_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRewrite:
    """Versions that end being known, and those known instead."""

    closed: tuple[UnitVersion, ...]
    opened: tuple[UnitVersion, ...]


def plan_change(versions: Sequence[UnitVersion], *, day: date, patch: dict[str, Any]) -> UnitRewrite:
    """The facts in `patch` hold from the day on, up to the next version. Raises Invalid."""
    current = _version_on(versions, day)
    changed = replace(current, id=None, order_id=None, from_on=day, **patch)
    if replace(changed, id=current.id, order_id=current.order_id, from_on=current.from_on) == current:
        raise Invalid(
            Text(ja="いまの記録と同じ内容です。", en="This is what is recorded already."),
            code="nothing_changes",
        )
    opened = (changed,) if current.from_on == day else (_kept(current, until_on=day), changed)
    return UnitRewrite(closed=(current,), opened=opened)


def plan_closure(versions: Sequence[UnitVersion], *, day: date) -> UnitRewrite:
    """From the day on the unit is no longer there; versions for later days go. Raises Invalid."""
    current = _version_on(versions, day)
    closed = tuple(v for v in versions if v.until_on is None or v.until_on > day)
    opened = () if current.from_on == day else (_kept(current, until_on=day),)
    return UnitRewrite(closed=closed, opened=opened)


def _kept(version: UnitVersion, *, until_on: date) -> UnitVersion:
    return replace(version, id=None, until_on=until_on, is_remainder=True)


def _version_on(versions: Sequence[UnitVersion], day: date) -> UnitVersion:
    current = next((version for version in versions if version.holds_on(day)), None)
    if current is None:
        message = Text(ja="その日に存在しない組織です。", en="There is no such org unit on that day.")
        problem = FieldProblem(field="effective_on", code="org_unit.not_there", message=message)
        raise Invalid(message, fields=(problem,))
    return current
