"""What may be asked of the organisation: bodies of requests, and the stored input of change orders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from hrx.app.people.employees.inputs import Day, Input, Reason, RefId, printable

UnitKind = Literal["company", "headquarters", "division", "department", "section", "team", "other"]
_STRIPPED = StringConstraints(strip_whitespace=True)
Code = Annotated[str, _STRIPPED, StringConstraints(min_length=1, max_length=50), AfterValidator(printable)]
Name = Annotated[str, _STRIPPED, StringConstraints(min_length=1, max_length=200), AfterValidator(printable)]
OptionalName = Annotated[str, _STRIPPED, StringConstraints(max_length=200), AfterValidator(printable)]


class UnitCreation(Input):
    """組織の新設"""

    code: Code
    name_ja: Name
    name_en: OptionalName = ""
    parent_id: RefId | None = None
    kind: UnitKind = "department"
    head_person_id: RefId | None = None
    effective_on: Day
    reason: Reason = ""


class UnitRename(Input):
    """名称変更: earlier charts show the earlier name."""

    name_ja: Name
    name_en: OptionalName | None = None
    effective_on: Day
    reason: Reason = ""


class UnitMove(Input):
    """Another parent; null puts the unit at the top."""

    parent_id: RefId | None
    effective_on: Day
    reason: Reason = ""


class UnitHead(Input):
    """Another head; null leaves the unit without one."""

    head_person_id: RefId | None
    effective_on: Day
    reason: Reason = ""


class UnitClosure(Input):
    """廃止: `effective_on` is the first day on which the unit is no longer there."""

    effective_on: Day
    reason: Reason = ""


class PositionCreation(Input):
    """役職の新設. `rank` orders lists, the highest post first."""

    code: Code
    title_ja: Name
    title_en: OptionalName = ""
    rank: Annotated[int, Field(ge=0, le=100_000)] = 1000
    effective_on: Day
    reason: Reason = ""
